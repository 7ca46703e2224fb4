// SPDX-License-Identifier: GPL-2.0-or-later
// s390x instruction boundaries and PC-relative operands ("z/Architecture Principles of Operation": instruction
// formats).
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"

namespace klp::arch::s390x {

// The two top bits of an instruction tell its length.
[[nodiscard]] constexpr std::uint8_t length_of(std::byte first) noexcept {
    const unsigned top = std::to_integer<unsigned>(first) >> 6;
    return top == 0 ? 2 : top == 3 ? 6 : 4;
}

// A signed number of halfwords, counted from the start of the instruction. In all of these it is at the same place.
inline constexpr std::uint64_t displacement_offset = 2;
struct RelativeOperand {
    std::uint8_t size = 0;      // bytes of the field
    std::int64_t distance = 0;  // bytes
    bool is_branch = false;
};

// `instruction` is one instruction, whole. nullopt: none that counts from its own place.
[[nodiscard]] std::optional<RelativeOperand> relative_operand(Bytes instruction) noexcept;

// Branches of one mnemonic, mask and registers, the long form (`jg`) taken for the short one (`j`).
[[nodiscard]] bool same_branch(Bytes a, Bytes b) noexcept;

}  // namespace klp::arch::s390x
