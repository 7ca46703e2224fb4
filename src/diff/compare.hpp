// SPDX-License-Identifier: GPL-2.0-or-later
// Whether two pieces mean the same. Relocation fields are compared by what they refer to, not by their bytes.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "diff/unit.hpp"

namespace klp::diff {

class Comparison {
public:
    // References that may be taken for the same, though nothing says so yet.
    using Benefit = std::function<bool(const Target& original, const Target& patched)>;

    Comparison(const Unit& original, const Unit& patched, Benefit benefit = {})
        : original_(original), patched_(patched), benefit_(std::move(benefit)) {}

    // What differs first, for people; nothing where the pieces are equal.
    [[nodiscard]] std::optional<std::string> difference(const Piece& original, const Piece& patched) const;
    [[nodiscard]] bool equal(const Piece& original, const Piece& patched) const {
        return !difference(original, patched);
    }
    [[nodiscard]] bool same_target(const Target& original, const Target& patched) const;

private:
    struct Extent {  // a piece, or an entry of a special section
        const Unit& unit;
        const elf::Section& section;
        arch::Range range;
        std::span<const elf::Relocation> relocations;
        std::vector<arch::Range> meaningless{};  // offsets from the start
    };

    [[nodiscard]] std::optional<std::string> compare(const Extent& original, const Extent& patched) const;
    [[nodiscard]] std::optional<std::string> compare_relocations(const Extent& original, const Extent& patched) const;
    [[nodiscard]] std::optional<std::string> compare_entries(const Piece& original, const Piece& patched) const;
    [[nodiscard]] bool same_piece(const Piece& original, const Piece& patched) const;
    [[nodiscard]] static std::vector<std::byte> masked(Bytes content, const Extent& original, const Extent& patched);
    [[nodiscard]] static Extent extent_of(const Unit& unit, const Piece& piece);
    [[nodiscard]] static Extent extent_of(const Unit& unit, const SpecialEntry& entry);

    const Unit& original_;
    const Unit& patched_;
    Benefit benefit_;
    mutable int depth_ = 0;
};

// Compares all pieces that have a counterpart, and marks the patched one where it changed: functions with their
// .cold parts, constants with the constants and functions that refer to them.
void mark_changes(Unit& original, Unit& patched);

// "foo+0x10", "the string "abc"": for messages.
[[nodiscard]] std::string describe(const Unit& unit, const Target& target);

}  // namespace klp::diff
