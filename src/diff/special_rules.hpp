// SPDX-License-Identifier: GPL-2.0-or-later
// Entries of special sections are used when the livepatch itself is loaded, before klp relocations of a module
// that comes later are applied. What they need must be there by then.
#pragma once

#include <set>

#include "diff/unit.hpp"

namespace klp::diff {

class SpecialRules {
public:
    SpecialRules(const Unit& patched, const Options& options, Diagnostics& diagnostics)
        : patched_(patched), options_(options), diagnostics_(diagnostics) {}

    // Whether the entry goes along with `owner`. Findings `diff.static-key` and `diff.late-special`.
    [[nodiscard]] bool keeps(const Piece& owner, const SpecialEntry& entry);
    [[nodiscard]] std::vector<std::string> take_notes() { return {notes_.begin(), notes_.end()}; }

private:
    [[nodiscard]] bool is_there_at_load(const Target& target) const;
    [[nodiscard]] bool keeps_key(const Piece& owner, const SpecialEntry& entry, const Target& key);
    void check_replacement(const Piece& owner, const SpecialEntry& entry, const Piece& replacement);
    void check_site(const Piece& owner, const SpecialEntry& entry);
    void refuse_late(const Piece& owner, const SpecialEntry& entry, const Target& target);

    const Unit& patched_;
    const Options& options_;
    Diagnostics& diagnostics_;
    std::set<std::string> notes_;
    std::set<std::string> refused_;  // messages: one function can have many entries for one key
};

}  // namespace klp::diff
