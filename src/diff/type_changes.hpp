// SPDX-License-Identifier: GPL-2.0-or-later
// Which types are laid out differently in the two objects of a translation unit. Types are paired by name; one that got
// another name stands at the same line and has most of its members. Only what both objects have can differ: a type that
// is new, or gone, has no objects that somebody else made.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "diff/macro_value.hpp"
#include "diff/type_table.hpp"

namespace klp::diff {

struct MemberChange {
    enum class Kind : std::uint8_t {
        added,
        removed,
        moved,
        retyped,     // another size, or bytes that mean something else
        renumbered,  // an enumerator with another value
        resized,     // the type itself, with all its members where they were
    };
    struct Side {
        std::uint64_t bit_offset = 0;
        std::uint64_t bit_size = 0;
        std::string type;
        std::int64_t value = 0;  // of an enumerator
    };
    Kind kind = Kind::added;
    std::string name;
    std::optional<Side> original;  // none: added
    std::optional<Side> patched;   // none: removed; of a renumbered one: a macro whose value is not known
};

struct TypeChange {
    std::uint32_t original = 0;            // index in the tables
    std::optional<std::uint32_t> patched;  // none: an enumeration that is gone
    std::vector<MemberChange> members;     // not empty
};

// `macros`: those that the patch defines, which may be enumerators with another value.
[[nodiscard]] std::vector<TypeChange> find_type_changes(const TypeTable& original, const TypeTable& patched,
                                                        const Macros& macros = {});

}  // namespace klp::diff
