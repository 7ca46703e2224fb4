// SPDX-License-Identifier: GPL-2.0-or-later
// Entries of special sections are used when the livepatch itself is loaded, before klp relocations of a module
// that comes later are applied. What they need must be there by then.
#pragma once

#include <set>

#include "base/diagnostics.hpp"
#include "diff/changes.hpp"
#include "diff/diff.hpp"

namespace klp::diff {

class SpecialRules {
public:
    SpecialRules(const Changes& changes, const Options& options, Diagnostics& diagnostics)
        : changes_(changes), patched_(changes.pairs().patched()), options_(options), diagnostics_(diagnostics) {}

    // Whether the entry goes along with its owner. Findings `diff.static-key` and `diff.late-special`.
    [[nodiscard]] bool keeps(const SpecialEntry& entry);
    [[nodiscard]] std::vector<std::string> take_notes() { return {notes_.begin(), notes_.end()}; }

private:
    [[nodiscard]] bool is_there_at_load(const Target& target) const;
    [[nodiscard]] bool keeps_key(const SpecialEntry& entry, const Target& key);
    void check_replacement(const SpecialEntry& entry, const Piece& replacement);
    void check_site(const SpecialEntry& entry);
    void refuse_late(const SpecialEntry& entry, const Target& target);

    const Changes& changes_;
    const Decomposition& patched_;
    const Options& options_;
    Diagnostics& diagnostics_;
    std::set<std::string> notes_;
};

}  // namespace klp::diff
