// SPDX-License-Identifier: GPL-2.0-or-later
// What differs between the two objects, and everything that has to be replaced because of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "diff/correlate.hpp"

namespace klp::diff {

class Changes {
public:
    // None yet. `pairs` must outlive it.
    explicit Changes(const Correlation& pairs) : pairs_(pairs), reasons_(pairs.patched().pieces().size()) {}

    [[nodiscard]] const Correlation& pairs() const noexcept { return pairs_; }
    [[nodiscard]] bool has(const Piece& patched) const { return reasons_[patched.index].has_value(); }
    // Why, for people; empty where it did not change.
    [[nodiscard]] std::string reason(const Piece& patched) const { return reasons_[patched.index].value_or(""); }
    void mark(const Piece& patched, std::string reason);  // the first reason stays

private:
    const Correlation& pairs_;
    std::vector<std::optional<std::string>> reasons_;  // by index of the piece
};

// Compares all pieces that have a counterpart: functions with their .cold parts, constants with the constants and
// functions that refer to them.
[[nodiscard]] Changes find_changes(const Correlation& pairs);

}  // namespace klp::diff
