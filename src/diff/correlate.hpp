// SPDX-License-Identifier: GPL-2.0-or-later
// Which piece of the patched object is which piece of the original one.
//
// Functions: any consistent pairing is right, because a function that refers to something else than its
// counterpart does is changed. Data: a wrong pair would make new code use another variable's state, so data
// is paired only on evidence, and where evidence is lacking candidates() says between what.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "diff/decomposition.hpp"

namespace klp::diff {

class Correlation {
public:
    // With no pairs yet. Both must outlive it.
    Correlation(const Decomposition& original, const Decomposition& patched);

    [[nodiscard]] const Decomposition& original() const noexcept { return original_; }
    [[nodiscard]] const Decomposition& patched() const noexcept { return patched_; }

    // The same thing in the other object; null where it has none.
    [[nodiscard]] const Piece* original_of(const Piece& patched) const { return original_of_[patched.index]; }
    [[nodiscard]] const Piece* patched_of(const Piece& original) const { return patched_of_[original.index]; }
    // Originals that the piece may be, where no choice can be made.
    [[nodiscard]] std::span<const Piece* const> candidates(const Piece& patched) const;

    void pair(const Piece& original, const Piece& patched);
    void part(const Piece& original, const Piece& patched);
    void set_candidates(const Piece& patched, std::vector<const Piece*> originals);

private:
    const Decomposition& original_;
    const Decomposition& patched_;
    std::vector<const Piece*> original_of_;  // by index of the patched piece
    std::vector<const Piece*> patched_of_;   // by index of the original piece
    std::unordered_map<const Piece*, std::vector<const Piece*>> candidates_;
};

[[nodiscard]] Correlation correlate(const Decomposition& original, const Decomposition& patched);

// The part for static locals, whose names carry a compiler's counter.
void correlate_numbered_data(Correlation& pairs);

// Static functions that stand in the place of others in a table.
void correlate_renamed_callbacks(Correlation& pairs);

// Static functions, variables and constants that have another name now, where it can be proven. The rest is for
// refuse_renamed_data().
void correlate_renamed(Correlation& pairs);

}  // namespace klp::diff
