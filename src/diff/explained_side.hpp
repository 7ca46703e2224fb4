// SPDX-License-Identifier: GPL-2.0-or-later
// What one of both objects has at a place that differs.
#pragma once

#include <string>

#include "diff/disassembly.hpp"
#include "diff/explanation.hpp"
#include "diff/source_map.hpp"

namespace klp::diff {

// `offset` bytes behind the start of the piece.
[[nodiscard]] ObjectPlace place_of(const Piece& piece, std::uint64_t offset);

struct ExplainedSide {
    const Decomposition& object;
    const SourceMap* source;  // null: no debug information
    const Disassembly& disassembly;

    // What the field of the piece refers to: "foo+0x10", "\"text\"".
    [[nodiscard]] std::string reference(const Piece& piece, const Field& field) const;
    // What a part of data holds; `member`: null where nobody knows what the data consists of.
    [[nodiscard]] std::string content(const Piece& piece, std::uint64_t offset, const SourceMember* member) const;
    // Lines and instructions, where the piece is code.
    void fill(DifferenceSide& side, const Piece& piece, std::uint64_t offset) const;
};

}  // namespace klp::diff
