// SPDX-License-Identifier: GPL-2.0-or-later
// Whether two pieces mean the same. Relocation fields are compared by what they refer to, not by their bytes.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "diff/correlate.hpp"

namespace klp::diff {

// Where two pieces differ first, for people.
struct FirstDifference {
    std::uint64_t offset = 0;                     // from the start of both pieces
    const arch::SpecialSection* table = nullptr;  // of whose entry for that place it is; null: of the piece itself
    const Field* original = nullptr;              // of the piece: the reference that stands there; null: none
    const Field* patched = nullptr;
    std::string what;
};

class Comparison {
public:
    // References that may be taken for the same, though nothing says so yet.
    using Benefit = std::function<bool(const Target& original, const Target& patched)>;

    explicit Comparison(const Correlation& pairs, Benefit benefit = {}) : pairs_(pairs), benefit_(std::move(benefit)) {}

    // What differs first, for people; nothing where the pieces are equal.
    [[nodiscard]] std::optional<std::string> difference(const Piece& original, const Piece& patched) const;
    [[nodiscard]] bool equal(const Piece& original, const Piece& patched) const {
        return !difference(original, patched);
    }
    // The same, but for what is at these offsets from the start of both.
    [[nodiscard]] bool equal_but(const Piece& original, const Piece& patched,
                                 std::span<const arch::Range> places) const;
    [[nodiscard]] bool same_target(const Target& original, const Target& patched) const;
    // As difference(), but what comes first in the pieces, where difference() names what it sees first.
    [[nodiscard]] std::optional<FirstDifference> first_difference(const Piece& original, const Piece& patched) const;

private:
    struct Extent {  // a piece, or an entry of a special section
        arch::Range range;
        Bytes content;
        std::span<const Field> fields;
        std::vector<arch::Range> meaningless{};  // offsets from the start
    };

    [[nodiscard]] std::optional<std::string> compare(const Extent& original, const Extent& patched) const;
    [[nodiscard]] std::optional<std::string> compare_fields(const Extent& original, const Extent& patched) const;
    // first_difference.cpp
    [[nodiscard]] std::uint64_t first_byte(const Extent& original, const Extent& patched) const;
    [[nodiscard]] std::optional<FirstDifference> first_field(const Extent& original, const Extent& patched) const;
    [[nodiscard]] std::optional<FirstDifference> first_entry(const Piece& original, const Piece& patched) const;
    [[nodiscard]] std::optional<std::string> compare_entries(const Piece& original, const Piece& patched) const;
    [[nodiscard]] bool same_entry(const SpecialEntry& original, const SpecialEntry& patched) const;
    [[nodiscard]] bool same_piece(const Piece& original, const Piece& patched) const;
    [[nodiscard]] std::vector<std::byte> masked(Bytes content, const Extent& original, const Extent& patched) const;
    [[nodiscard]] static Extent extent_of(const Decomposition& object, const Piece& piece);
    [[nodiscard]] static Extent extent_of(const Decomposition& object, const SpecialEntry& entry);

    const Correlation& pairs_;
    Benefit benefit_;
    mutable std::vector<std::pair<const Piece*, const Piece*>> asked_;  // what same_piece() is about
};

// "foo+0x10", "the string "abc"": for messages.
[[nodiscard]] std::string describe(const Target& target);

}  // namespace klp::diff
