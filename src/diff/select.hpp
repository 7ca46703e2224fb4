// SPDX-License-Identifier: GPL-2.0-or-later
// Which pieces of the patched object go into the extracted one, and which are referred to where they are.
#pragma once

#include <unordered_set>

#include "diff/unit.hpp"

namespace klp::diff {

// Where a relocation is: in a piece, or in an entry of a special section.
struct Holder {
    const elf::Section& section;
    arch::Range range;
    const Piece& piece;  // that holds the relocation, or owns the entry
    const SpecialEntry* entry = nullptr;
};

struct Selection {
    std::vector<Piece*> pieces;  // in the order of the patched object
    std::unordered_set<const Piece*> included;
    // Entries of included pieces that must not be carried along (index of Piece::entries).
    std::unordered_set<const SpecialEntry*> dropped;
    std::vector<std::string> notes;
};

// Whether a reference to a piece that both objects have goes to the running kernel's one.
[[nodiscard]] bool refers_to_original(const Unit& patched, const elf::Relocation& relocation, const Target& target,
                                      const Holder& holder);

[[nodiscard]] Selection select(Unit& patched, const Options& options, Diagnostics& diagnostics);

}  // namespace klp::diff
