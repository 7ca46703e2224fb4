// SPDX-License-Identifier: GPL-2.0-or-later
// The original object as the proof looks at it: functions and variables that the kernel may have under their names, and
// content that has none.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "diff/decomposition.hpp"

namespace klp::resolve {

using diff::Field;
using diff::Piece;
using diff::Target;

[[nodiscard]] inline std::uint64_t offset_in(const Piece& piece, const Field& field) {
    return field.offset() - piece.range.begin;
}

// Named as a function, whatever its section is. False for labels of assembly, whose length nobody says.
[[nodiscard]] bool is_function(const Piece& piece);
[[nodiscard]] bool has_size(const Piece& piece);
// In the order of the symbol table: a static function's own name before an alias such as init_module.
[[nodiscard]] std::vector<std::string_view> names_at_start(const Piece& piece);
// Names that lie inside the piece but not at its start.
[[nodiscard]] std::vector<std::string_view> names_inside(const Piece& piece);

// The thing that a field refers to, the same for all references to it: a named piece or a symbol of another object.
// null: content, or nothing.
[[nodiscard]] const void* identity(const Target& target);

// Bytes without a name: a string, a constant, a switch table.
struct Content {
    const elf::Section* section = nullptr;
    std::uint64_t offset = 0;  // in it
    Bytes bytes;               // empty: NOBITS, or past the end
};

class Originals {
public:
    explicit Originals(const diff::Decomposition& object);

    [[nodiscard]] const Piece* of(const elf::Symbol& symbol) const { return object_.piece_of(symbol); }
    // In the order of their first symbols.
    [[nodiscard]] const std::vector<const Piece*>& named() const noexcept { return named_; }
    [[nodiscard]] const std::vector<const Piece*>& weak_functions() const noexcept { return weak_functions_; }
    [[nodiscard]] std::span<const Field> fields(const Piece& piece) const { return object_.fields(piece); }

    // arch::Arch::addend_bias().
    [[nodiscard]] std::int64_t bias(const Piece& holder, const Field& field) const {
        return object_.bias(field, holder);
    }

    // Of a field that refers to no thing.
    [[nodiscard]] Content content(const Piece& holder, const Field& field) const;
    // From the relocation's symbol (S) to the start of what the field refers to.
    [[nodiscard]] std::int64_t shift(const Piece& holder, const Field& field) const;

private:
    [[nodiscard]] std::uint64_t pointed_at(const Piece& holder, const Field& field) const;

    const diff::Decomposition& object_;
    std::vector<const Piece*> named_;
    std::vector<const Piece*> weak_functions_;
};

}  // namespace klp::resolve
