// SPDX-License-Identifier: GPL-2.0-or-later
// Whether two pieces mean the same. Relocation fields are compared by what they refer to, not by their bytes.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "diff/correlate.hpp"

namespace klp::diff {

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
    [[nodiscard]] bool same_target(const Target& original, const Target& patched) const;

private:
    struct Extent {  // a piece, or an entry of a special section
        arch::Range range;
        Bytes content;
        std::span<const Field> fields;
        std::optional<arch::Range> meaningless{};  // offsets from the start
    };

    [[nodiscard]] std::optional<std::string> compare(const Extent& original, const Extent& patched) const;
    [[nodiscard]] std::optional<std::string> compare_fields(const Extent& original, const Extent& patched) const;
    [[nodiscard]] std::optional<std::string> compare_entries(const Piece& original, const Piece& patched) const;
    [[nodiscard]] bool same_piece(const Piece& original, const Piece& patched) const;
    [[nodiscard]] std::vector<std::byte> masked(Bytes content, const Extent& original, const Extent& patched) const;
    [[nodiscard]] static Extent extent_of(const Decomposition& object, const Piece& piece);
    [[nodiscard]] static Extent extent_of(const Decomposition& object, const SpecialEntry& entry);

    const Correlation& pairs_;
    Benefit benefit_;
    mutable int depth_ = 0;
};

// "foo+0x10", "the string "abc"": for messages.
[[nodiscard]] std::string describe(const Target& target);

}  // namespace klp::diff
