// SPDX-License-Identifier: GPL-2.0-or-later
// arm64: the immediates in instructions that relocations write, and the few instructions that the module loader makes
// (arch/arm64/lib/insn.c).
#pragma once

#include <cstdint>

#include "arch/bits.hpp"

namespace klp::arch::arm64 {

// Named as enum aarch64_insn_imm_type.
enum class Immediate : std::uint8_t { imm26, imm19, imm16, imm14, imm12, adr };

// AARCH64_BREAK_FAULT, `brk #0x100`: stands for an instruction that could not be made. Nothing changes it.
inline constexpr std::uint32_t break_fault = 0xd4202000;

inline constexpr std::uint64_t instruction_size = 4;  // bytes

inline constexpr std::uint32_t nop = 0xd503201f;
inline constexpr std::uint32_t bti_c = 0xd503245f;
inline constexpr std::uint32_t branch_x16 = 0xd61f0200;  // br x16
inline constexpr std::uint32_t ip0 = 16;                 // x16, which veneers may use

[[nodiscard]] constexpr std::uint32_t shifted_mask(unsigned bits, unsigned shift) noexcept {
    return ((std::uint32_t{1} << bits) - 1) << shift;
}

[[nodiscard]] constexpr std::uint32_t set_immediate(Immediate where, std::uint32_t instruction,
                                                    std::uint64_t value) noexcept {
    if (instruction == break_fault) return break_fault;
    switch (where) {
        case Immediate::imm26:
            return insert_bits(instruction, shifted_mask(26, 0), value);
        case Immediate::imm19:
            return insert_bits(instruction, shifted_mask(19, 5), value << 5);
        case Immediate::imm16:
            return insert_bits(instruction, shifted_mask(16, 5), value << 5);
        case Immediate::imm14:
            return insert_bits(instruction, shifted_mask(14, 5), value << 5);
        case Immediate::imm12:
            return insert_bits(instruction, shifted_mask(12, 10), value << 10);
        case Immediate::adr:  // the two lowest bits in bits 30:29, the other 19 in bits 23:5
            return insert_bits(insert_bits(instruction, shifted_mask(2, 29), value << 29), shifted_mask(19, 5),
                               value >> 2 << 5);
    }
    return break_fault;
}

inline constexpr std::uint64_t page_mask = 0xfff;

[[nodiscard]] constexpr std::uint64_t page(std::uint64_t address) noexcept {
    return address & ~page_mask;
}

// `adrp xN, target`; aarch64_insn_gen_adr(), with its cutting of the distance to 32 bits.
[[nodiscard]] constexpr std::uint32_t adrp(std::uint64_t place, std::uint64_t target, std::uint32_t reg) noexcept {
    const auto pages = static_cast<std::int32_t>((target - page(place)) >> 12);
    if (!fits_signed(static_cast<std::uint64_t>(pages), 21)) return break_fault;
    return set_immediate(Immediate::adr, 0x90000000 | reg, static_cast<std::uint64_t>(pages));
}

// The distance of pages that an ADRP adds, in bytes (aarch64_insn_adrp_get_offset(), which cuts it to 32 bits).
[[nodiscard]] constexpr std::uint64_t adrp_offset(std::uint32_t instruction) noexcept {
    const std::uint32_t pages = (instruction >> 5 & 0x7ffff) << 2 | (instruction >> 29 & 3);
    return static_cast<std::uint64_t>(static_cast<std::int32_t>(pages << 12));
}

[[nodiscard]] constexpr std::uint32_t add_low12(std::uint64_t target, std::uint32_t reg) noexcept {
    return set_immediate(Immediate::imm12, 0x91000000 | reg << 5 | reg, target & page_mask);  // add xN,xN,#target@lo12
}

// `b target`. The places that the loader branches between lie in one module.
[[nodiscard]] constexpr std::uint32_t branch(std::uint64_t place, std::uint64_t target) noexcept {
    const std::uint64_t distance = target - place;
    return fits_signed(distance, 28) ? set_immediate(Immediate::imm26, 0x14000000, distance >> 2) : break_fault;
}

}  // namespace klp::arch::arm64
