// SPDX-License-Identifier: GPL-2.0-or-later
// A changed type, for people and programs.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/diagnostics.hpp"
#include "base/json_fwd.hpp"
#include "diff/type_changes.hpp"

namespace klp::diff {

struct LayoutChange {
    std::string type;                 // "struct foo"
    std::string name;                 // what --accept calls it: "foo"
    std::uint64_t original_size = 0;  // bytes
    std::uint64_t patched_size = 0;
    std::vector<MemberChange> members;
    std::vector<std::string> functions;  // of the livepatch that work on the type, as far as the source names it
    bool are_direct = false;             // they have or point to it themselves, not by way of other types
};

// "member 'count' moved from offset 0x40 to 0x48", for each change; and what became of the size.
[[nodiscard]] std::vector<std::string> descriptions(const LayoutChange& change);

// {"type", "name", "size": {"original", "patched"}, "members": [{"name", "change", "original": SIDE, "patched": SIDE}],
//  "functions": [NAME]}; a SIDE is {"offset", "size", "type"} in bytes, with "bit_offset" and "bit_size" for
//  bit-fields,
// {"value"} for an enumerator, or null.
[[nodiscard]] Json layout_json(const LayoutChange& change);

// Findings about names of types that were accepted and were not in the way: `diff.accept-unknown` (an error) where none
// of the tables has the type, `diff.accept-unused` where it did not change.
void check_accepted(const std::set<std::string, std::less<>>& accepted, const std::vector<const TypeTable*>& tables,
                    const std::vector<LayoutChange>& used, Diagnostics& diagnostics);

}  // namespace klp::diff
