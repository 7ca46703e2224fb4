// SPDX-License-Identifier: GPL-2.0-or-later
// ppc64le: the instructions that the module loader reads and writes, and its stubs (struct ppc64_stub_entry,
// arch/powerpc/kernel/module_64.c).
#pragma once

#include <array>
#include <cstdint>

namespace klp::arch::ppc64 {

inline constexpr std::uint32_t nop = 0x60000000;
inline constexpr std::uint32_t load_toc = 0xe8410018;  // ld r2,24(r1): R2_STACK_OFFSET of ELFv2

// u32 jump[7]; u32 magic; the function's address. The seventh instruction is room that ELFv1 needs.
inline constexpr std::uint64_t stub_size = 40;
inline constexpr std::uint64_t stub_magic_offset = 28;
inline constexpr std::uint64_t stub_address_offset = 32;
inline constexpr std::uint32_t stub_magic = 0x73747562;  // "stub"

// Loads the address from the end of the stub itself, which it finds by way of the TOC pointer.
inline constexpr std::array<std::uint32_t, 6> call_stub = {
    0x3d620000,  // addis r11,r2,(stub - r2)@ha
    0x396b0000,  // addi  r11,r11,(stub - r2)@l
    0xf8410018,  // std   r2,24(r1)
    0xe98b0020,  // ld    r12,32(r11)
    0x7d8903a6,  // mtctr r12
    0x4e800420,  // bctr
};

// For ftrace_caller: r2 may be anybody's there, so that the address goes by the kernel's TOC.
inline constexpr std::array<std::uint32_t, 5> ftrace_stub = {
    0xe98d0000,  // ld    r12,kernel_toc(r13)
    0x3d8c0000,  // addis r12,r12,(target - kernel TOC)@ha
    0x398c0000,  // addi  r12,r12,(target - kernel TOC)@l
    0x7d8903a6,  // mtctr r12
    0x4e800420,  // bctr
};

// @ha and @l: the high half is one more where the low half, a signed number, is negative.
[[nodiscard]] constexpr std::uint32_t high_adjusted(std::uint64_t value) noexcept {
    return static_cast<std::uint32_t>((value + 0x8000) >> 16) & 0xffff;
}
[[nodiscard]] constexpr std::uint32_t low(std::uint64_t value) noexcept {
    return static_cast<std::uint32_t>(value) & 0xffff;
}

// lib/code-patching.c:instr_is_relative_link_branch(): `bl` and `bcl`, no absolute ones.
[[nodiscard]] constexpr bool is_relative_link_branch(std::uint32_t instruction) noexcept {
    const std::uint32_t opcode = instruction >> 26;
    return (opcode == 18 || opcode == 16) && (instruction & 3) == 1;
}

// Bytes from the global to the local entry, as the top three bits of st_other tell (PPC64_LOCAL_ENTRY_OFFSET).
[[nodiscard]] constexpr std::uint64_t local_entry_offset(std::uint8_t other) noexcept {
    return ((std::uint64_t{1} << (other >> 5)) >> 2) << 2;
}

}  // namespace klp::arch::ppc64
