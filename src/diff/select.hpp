// SPDX-License-Identifier: GPL-2.0-or-later
// Which pieces of the patched object go into the extracted one, and which are referred to where they are.
#pragma once

#include <unordered_set>

#include "base/diagnostics.hpp"
#include "diff/changes.hpp"
#include "diff/diff.hpp"

namespace klp::diff {

// Where a field is: in a piece, or in an entry of a special section that the piece owns.
struct Holder {
    const Piece& piece;
    const SpecialEntry* entry = nullptr;
};

struct Selection {
    std::vector<const Piece*> pieces;  // in the order of the patched object
    std::unordered_set<const Piece*> included;
    // Entries of included pieces that must not be carried along.
    std::unordered_set<const SpecialEntry*> dropped;
    std::vector<std::string> notes;
};

// Whether a reference to a piece that both objects have goes to the running kernel's one.
[[nodiscard]] bool refers_to_original(const Changes& changes, const Field& field, const Holder& holder);

[[nodiscard]] Selection select(const Changes& changes, const Options& options, Diagnostics& diagnostics);

}  // namespace klp::diff
