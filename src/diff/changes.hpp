// SPDX-License-Identifier: GPL-2.0-or-later
// What differs between the two objects, and everything that has to be replaced because of it.
#pragma once

#include <map>
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
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

    // A changed constant of which no copy can be made, because its address is more than the place to read from: it is
    // stored, compared or handed on. The places of it, for people.
    void keep(const Piece& patched, std::vector<std::string> places) { kept_[&patched] = std::move(places); }
    [[nodiscard]] const std::vector<std::string>* places_of_kept(const Piece& patched) const;

    // The changed function that data of both objects has addresses inside of (labels of a computed goto); null: none.
    [[nodiscard]] const Piece* leads_into(const Piece& patched) const;

private:
    const Correlation& pairs_;
    std::vector<std::optional<std::string>> reasons_;  // by index of the piece
    std::size_t count_ = 0;
    std::map<const Piece*, std::vector<std::string>> kept_;
};

// Compares all pieces that have a counterpart: functions with their .cold parts, constants with the constants and
// functions that refer to them, tables with the functions that they lead into.
[[nodiscard]] Changes find_changes(const Correlation& pairs);

}  // namespace klp::diff
