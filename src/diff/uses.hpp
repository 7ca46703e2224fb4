// SPDX-License-Identifier: GPL-2.0-or-later
// Who refers to each piece of an object, and what for.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "diff/decomposition.hpp"

namespace klp::diff {

struct PlaceOfUse {
    const Piece* holder = nullptr;
    const Field* field = nullptr;
};

class Uses {
public:
    // `object` must outlive it. Error: code of it cannot be decoded.
    explicit Uses(const Decomposition& object);

    [[nodiscard]] const Decomposition& object() const noexcept { return object_; }
    // By code and data, not by entries of special sections; by holder and offset.
    [[nodiscard]] std::span<const PlaceOfUse> of(const Piece& piece) const { return places_[piece.index]; }
    // Those that keep, hand on or compare the address, instead of reading through it.
    [[nodiscard]] std::vector<PlaceOfUse> of_address(const Piece& piece) const;

private:
    const Decomposition& object_;
    std::vector<std::vector<PlaceOfUse>> places_;  // by index of the piece
};

// Whether an address that is used so may be stored or compared.
[[nodiscard]] bool keeps_address(arch::Use use);

// How long a function of the kernel has to do with an address that it gets as an argument and does not return.
enum class Term : std::uint8_t {
    call,     // until it returns
    request,  // until the system call ends that it works for
};

// Arch::use_of(); an address that goes nowhere but into a call of a function that borrows() it is read.
[[nodiscard]] arch::Use use_at(const Decomposition& object, const PlaceOfUse& place, Term longest);

// Whether it is given to a function alone that keeps such a pointer as the name of something.
[[nodiscard]] bool is_kept_as_name(const Decomposition& object, const PlaceOfUse& place);

// Whether the kernel's function of that name has the address in that argument for no longer. 0: the first argument.
[[nodiscard]] bool borrows(std::string_view function, std::uint32_t argument, Term longest);

// "'foo' at +0x12": where the field is, for messages.
[[nodiscard]] std::string describe(const PlaceOfUse& place);

}  // namespace klp::diff
