// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a piece of the original object is what the kernel object holds at a place.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "resolve/image.hpp"
#include "resolve/pieces.hpp"

namespace klp::resolve {

// A difference between a recompiled piece and the shipped bytes.
struct Mismatch {
    std::uint64_t offset = 0;  // in the piece; how far they agree
    std::string text;
};

// Where pieces and undefined symbols of the object are known to be.
class Locations {
public:
    [[nodiscard]] const Place* find(const Referent& referent) const;
    // Returns what is known after that: the first place wins.
    const Place& set_once(const Referent& referent, const Place& place);

private:
    std::map<const void*, Place> known_;  // by Referent::identity()
};

class Matcher {
public:
    Matcher(const arch::Arch& arch, const Image& image) : arch_(arch), image_(image) {}

    // The bytes, with the fields of both sides left out.
    [[nodiscard]] std::optional<Mismatch> compare_bytes(const Piece& piece, const Place& shipped) const;
    // What the fields refer to: names against the kernel's names, strings against shipped strings, each symbol
    // at one place only, and at the one in `known` if it is there.
    [[nodiscard]] std::optional<Mismatch> compare_fields(const Piece& piece, const Place& shipped,
                                                         const Locations& known) const;
    // Both.
    [[nodiscard]] std::optional<Mismatch> compare(const Piece& piece, const Place& shipped, const Locations& known) const;

    // The place of what the field refers to: of the piece's start, of the symbol, of the content.
    [[nodiscard]] std::optional<Place> place_of(const Field& field, const Place& shipped) const;

private:
    [[nodiscard]] std::optional<std::string> compare_field(const Piece& piece, const Field& field, const Place& shipped,
                                                           const Locations& known, Locations& seen) const;
    [[nodiscard]] std::optional<std::string> compare_names(const Referent& ours, const Place& theirs) const;
    [[nodiscard]] std::optional<std::string> compare_content(const Referent& ours, const Place& theirs) const;
    [[nodiscard]] bool equal_beside_fields(const elf::Section& section, std::uint64_t begin, Bytes ours, Bytes theirs) const;

    const arch::Arch& arch_;
    const Image& image_;
};

// Equal names, or equal up to the number that the compiler ends them with (`foo.123`, `foo.constprop.0`): it
// counts through the translation unit, so that other options can give other numbers.
[[nodiscard]] bool same_but_number(std::string_view a, std::string_view b);

}  // namespace klp::resolve
