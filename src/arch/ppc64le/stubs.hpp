// SPDX-License-Identifier: GPL-2.0-or-later
// ppc64le: the instructions that the module loader reads and writes, and its stubs (struct ppc64_stub_entry,
// arch/powerpc/kernel/module_64.c).
#pragma once

#include <array>
#include <cstdint>

namespace klp::arch::ppc64le {

inline constexpr std::uint32_t nop = 0x60000000;
inline constexpr std::uint32_t std_r0_16_r1 = 0xf8010010;
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

// For calls of livepatch symbols that have no nop behind them (Features::livepatch_stubs). Nobody reloads r2 after
// such a call, so the stub has to come back to its caller: it calls the function instead of branching to it, and keeps
// r2 and LR meanwhile. Not in the caller's frame, where arguments may be, but on the livepatch stack of the task, in
// the form that ftrace's own livepatch_handler has there (arch/powerpc/kernel/trace/ftrace_mprofile.S; before it was
// ftrace_entry.S): r2, LR, STACK_END_MAGIC, in 24 bytes.
inline constexpr std::uint64_t livepatch_stub_size = 128;
inline constexpr std::uint64_t livepatch_stub_magic_offset = 112;
inline constexpr std::uint64_t livepatch_stub_address_offset = 120;

inline constexpr std::array<std::uint32_t, 28> livepatch_stub = {
    0xe98d0000,  // ld    r12,thread_info(r13)
    0xe96c0000,  // ld    r11,livepatch_sp(r12)
    0x396b0018,  // addi  r11,r11,24
    0xf96c0000,  // std   r11,livepatch_sp(r12)
    0xf84bffe8,  // std   r2,-24(r11)
    0x7d8802a6,  // mflr  r12
    0xf98bfff0,  // std   r12,-16(r11)
    0x3d8057ac,  // lis   r12,STACK_END_MAGIC@h
    0x618c6e9d,  // ori   r12,r12,STACK_END_MAGIC@l
    0xf98bfff8,  // std   r12,-8(r11)
    0x3d620000,  // addis r11,r2,(stub - r2)@ha
    0x396b0000,  // addi  r11,r11,(stub - r2)@l
    0xe98b0078,  // ld    r12,120(r11)
    0x7d8903a6,  // mtctr r12
    0x4e800421,  // bctrl
    0xe98d0000,  // ld    r12,thread_info(r13)
    0xe96c0000,  // ld    r11,livepatch_sp(r12)
    0x3c4057ac,  // lis   r2,STACK_END_MAGIC@h
    0x60426e9d,  // ori   r2,r2,STACK_END_MAGIC@l
    0xe98bfff8,  // ld    r12,-8(r11)
    0x7f0c1088,  // tdne  r12,r2
    0xe98bfff0,  // ld    r12,-16(r11)
    0x7d8803a6,  // mtlr  r12
    0xe84bffe8,  // ld    r2,-24(r11)
    0xe98d0000,  // ld    r12,thread_info(r13)
    0x396bffe8,  // addi  r11,r11,-24
    0xf96c0000,  // std   r11,livepatch_sp(r12)
    0x4e800020,  // blr
};
// Instructions of it that take an offset.
inline constexpr std::array<std::size_t, 3> livepatch_stub_thread_info = {0, 15, 24};
inline constexpr std::array<std::size_t, 4> livepatch_stub_livepatch_sp = {1, 3, 16, 26};
inline constexpr std::size_t livepatch_stub_distance = 10;  // and the next one

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

}  // namespace klp::arch::ppc64le
