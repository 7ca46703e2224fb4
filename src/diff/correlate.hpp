// SPDX-License-Identifier: GPL-2.0-or-later
// Which piece of the patched object is which piece of the original one (Piece::twin, on both sides).
//
// Functions: any consistent pairing is right, because a function that refers to something else than its
// counterpart does is changed. Data: a wrong pair would make new code use another variable's state, so data
// is paired only on evidence, and where evidence is lacking Piece::candidates says between what.
#pragma once

#include "diff/unit.hpp"

namespace klp::diff {

void correlate(Unit& original, Unit& patched);

// The part for static locals, whose names carry a compiler's counter.
void correlate_numbered_data(Unit& original, Unit& patched);

void make_twins(Piece& original, Piece& patched);

}  // namespace klp::diff
