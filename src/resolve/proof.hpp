// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a piece of the original object is what the kernel object holds at a place.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "resolve/image.hpp"
#include "resolve/originals.hpp"

namespace klp::resolve {

// A difference between a recompiled piece and the shipped bytes.
struct Mismatch {
    std::uint64_t offset = 0;  // in the piece; how far they agree
    std::string text;
};

// Where pieces and undefined symbols of the object are known to be.
class Locations {
public:
    // null: not known.
    [[nodiscard]] const Place* find(const void* thing) const;
    // Returns what is known after that: the first place wins.
    const Place& set_once(const void* thing, const Place& place);

private:
    std::map<const void*, Place> known_;  // by identity()
};

// Where one field of a piece is shipped, where offsets are not the same on both sides.
struct FieldPlace {
    std::uint64_t offset = 0;     // of the shipped field, from the place
    std::optional<Place> target;  // of a branch that the assembler shortened and resolved: where it leads
};

// How a piece lies in the shipped object.
struct Fit {
    Place place;
    std::uint64_t size = 0;          // shipped bytes: fewer than recompiled where branches were shortened
    std::vector<FieldPlace> fields;  // by index of Originals::fields(); empty where all offsets are the same
    bool realigned = false;          // other nops before aligned code
};

struct Comparison {
    std::optional<Fit> fit;
    Mismatch mismatch;  // where there is no fit
};

class Matcher {
public:
    Matcher(const arch::Arch& arch, const Image& image, const Originals& originals)
        : arch_(arch), image_(image), originals_(originals) {}

    // Bytes, length and references of a piece against the shipped object at a place.
    [[nodiscard]] Comparison compare(const Piece& piece, const Place& shipped, const Locations& known) const;

    // What the fields refer to: names against the kernel's names, strings against shipped strings, each symbol
    // at one place only, and at the one in `known` if it is there.
    [[nodiscard]] std::optional<Mismatch> compare_fields(const Piece& piece, const Fit& fit,
                                                         const Locations& known) const;

    // The place of what the field refers to: of the piece's start, of the symbol, of the content.
    [[nodiscard]] std::optional<Place> place_of(const Piece& piece, const Field& field, const Fit& fit) const;

    // Whether both fields are of the same instruction, but for what the relocation writes. Precondition: both are
    // whole.
    [[nodiscard]] bool same_instruction(const Field& field, Bytes ours, Bytes theirs) const;

private:
    [[nodiscard]] FieldPlace shipped_field(const Piece& piece, const Field& field, const Fit& fit) const;
    // The relocation's symbol.
    [[nodiscard]] std::optional<Place> symbol_of(const Piece& piece, const Field& field, const Fit& fit) const;
    [[nodiscard]] std::optional<Place> symbol_of_pair(const Piece& piece, const Field& field,
                                                      const arch::TargetPart& part, const Fit& fit) const;
    [[nodiscard]] std::optional<Place> base_of(const Piece& piece, std::string_view name, const Fit& fit) const;
    // Bytes alone, the fields of both sides left out; shortened branches allowed.
    [[nodiscard]] Comparison fit_bytes(const Piece& piece, const Place& shipped, std::uint64_t room) const;
    [[nodiscard]] std::optional<Mismatch> compare_bytes(const Piece& piece, const Place& shipped) const;
    [[nodiscard]] std::optional<Mismatch> compare_length(const Piece& piece, const Fit& fit,
                                                         const std::optional<Extent>& extent) const;
    [[nodiscard]] std::uint64_t nameless_end(const Place& function, std::uint64_t at, std::uint64_t room) const;
    [[nodiscard]] bool is_entry_behind(const Piece& piece, const Fit& fit, std::uint64_t at, std::uint64_t room) const;
    [[nodiscard]] std::optional<std::string> compare_field(const Piece& piece, const Field& field, const Fit& fit,
                                                           const Locations& known, Locations& seen) const;
    [[nodiscard]] std::optional<std::string> compare_names(const Target& ours, const Place& theirs) const;
    [[nodiscard]] std::optional<std::string> compare_content(const Content& ours, const Place& theirs) const;
    [[nodiscard]] bool equal_beside_fields(const Content& ours, Bytes theirs) const;

    const arch::Arch& arch_;
    const Image& image_;
    const Originals& originals_;
};

}  // namespace klp::resolve
