// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/decomposition.hpp"

#include <algorithm>

#include "arch/registry.hpp"

namespace klp::diff {

Decomposition::Decomposition(const elf::Object& object, const EntrySizes& sizes)
    : object_(object), arch_(arch::for_object(object)) {
    view_sections();
    for (const auto& section : object_.sections()) make_pieces(*section, views_.at(section.get()));
    find_layouts(sizes);
    make_pool_pieces();
    make_replacement_pieces();
    join_cold_parts();
    make_fields();
    attach_entries();
}

const Piece* Decomposition::piece_of(const elf::Symbol& symbol) const {
    const auto found = piece_of_.find(&symbol);
    return found == piece_of_.end() ? nullptr : found->second;
}

const Piece* Decomposition::piece_at(const elf::Section& section, std::uint64_t offset) const {
    const auto& pieces = view(section).pieces;
    if (pieces.size() == 1) return pieces.front();
    auto after = std::ranges::upper_bound(pieces, offset, {}, [](const Piece* piece) { return piece->range.begin; });
    // Objects without a size share their place with what comes next.
    while (after != pieces.begin()) {
        const Piece* candidate = *--after;
        if (candidate->range.size() > 0) return candidate;
    }
    return nullptr;
}

const Piece* Decomposition::piece_with_room_at(const elf::Section& section, std::uint64_t offset) const {
    const auto& pieces = view(section).pieces;
    const auto after =
        std::ranges::upper_bound(pieces, offset, {}, [](const Piece* piece) { return piece->range.begin; });
    if (after != pieces.end() && offset + (*after)->room >= (*after)->range.begin) return *after;
    return piece_at(section, offset);
}

Location Decomposition::where(const Piece& piece) const {
    return {object_.display_name(), piece.section->name, piece.range.begin};
}

}  // namespace klp::diff
