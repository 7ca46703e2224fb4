// SPDX-License-Identifier: GPL-2.0-or-later
// The original object taken apart into its named functions and variables, with what their relocation fields
// refer to. Compilers write many references as section + addend; here they are named again.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "arch/arch.hpp"
#include "elf/object.hpp"

namespace klp::resolve {

struct Piece;

// What a relocation of the original object refers to.
struct Referent {
    enum class Kind {
        piece,      // a function or variable of this object
        undefined,  // a symbol of another object
        content,    // bytes without a name: a string, a constant
        none,       // an absolute symbol, or no symbol at all
    };
    Kind kind = Kind::none;
    const Piece* piece = nullptr;
    const elf::Symbol* symbol = nullptr;    // undefined only
    const elf::Section* section = nullptr;  // content only…
    std::uint64_t offset = 0;               // …and where in it the reference really points
    // From the relocation's symbol (S) to the piece, or to `offset`.
    std::int64_t shift = 0;

    [[nodiscard]] std::string_view name() const;  // of a piece or an undefined symbol
    [[nodiscard]] const void* identity() const;   // the same for all references to one thing
};

struct Field {
    const elf::Relocation* relocation = nullptr;
    std::uint64_t offset = 0;  // in the piece
    std::uint8_t size = 0;
    Referent referent;
};

// A function or a variable, under all names that it has at its start.
struct Piece {
    const elf::Section* section = nullptr;
    std::uint64_t begin = 0;
    std::uint64_t size = 0;
    bool is_function = false;
    std::vector<const elf::Symbol*> symbols;
    std::vector<Field> fields;  // ascending

    [[nodiscard]] std::string_view name() const { return symbols.front()->name; }
    [[nodiscard]] Bytes content() const;  // empty for NOBITS
    [[nodiscard]] bool covers(std::uint64_t offset) const noexcept { return offset >= begin && offset - begin < size; }
};

class Pieces {
public:
    Pieces(const elf::Object& object, const arch::Arch& arch);

    [[nodiscard]] const std::deque<Piece>& all() const noexcept { return pieces_; }
    [[nodiscard]] const Piece* of(const elf::Symbol& symbol) const;
    [[nodiscard]] const std::vector<const Piece*>& weak_functions() const noexcept { return weak_functions_; }
    // Names that lie inside the piece but not at its start.
    [[nodiscard]] std::vector<std::string_view> names_inside(const Piece& piece) const;

private:
    void collect(const elf::Object& object);
    void add_fields(Piece& piece);
    [[nodiscard]] Referent referent_of(const Piece& holder, const elf::Relocation& relocation) const;
    [[nodiscard]] Referent referent_in(const elf::Section& section, std::uint64_t offset,
                                       const elf::Symbol& symbol) const;
    [[nodiscard]] std::int64_t bias_of(const Piece& holder, const elf::Relocation& relocation) const;

    const arch::Arch& arch_;
    std::deque<Piece> pieces_;
    std::vector<const Piece*> weak_functions_;
    std::unordered_map<const elf::Symbol*, Piece*> by_symbol_;
    std::unordered_map<const elf::Section*, std::vector<Piece*>> by_section_;  // ascending
    // By offset: assemblers write the relocations of jumps after all others.
    std::unordered_map<const elf::Section*, std::vector<const elf::Relocation*>> relocations_;
};

}  // namespace klp::resolve
