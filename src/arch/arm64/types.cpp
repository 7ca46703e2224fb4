// SPDX-License-Identifier: GPL-2.0-or-later
// The relocation types of arm64 (ELF for the Arm 64-bit Architecture, "Relocation"). A page (ADRP) or the low twelve
// bits of an address tell no target by themselves.
#include <elf.h>

#include <array>

#include "arch/arm64/arm64.hpp"
#include "arch/relocation_types.hpp"

namespace klp::arch::arm64 {

namespace {

constexpr Formula none = Formula::none;
constexpr Formula other = Formula::other;
constexpr Formula absolute = Formula::absolute;
constexpr Formula pc_relative = Formula::pc_relative;

// The second number of R_AARCH64_NONE, and types later than glibc's elf.h (ELF for the Arm 64-bit Architecture).
constexpr std::uint32_t R_AARCH64_NONE_256 = 256;
constexpr std::uint32_t R_AARCH64_PLT32 = 314;
constexpr std::uint32_t R_AARCH64_GOTPCREL32 = 315;

// The immediates of instructions, named as in arch/arm64/lib/insn.c. Of ADR and ADRP the two low bits are above the
// others. A MOVZ of a signed value becomes MOVN where it is negative: bit 30.
constexpr std::uint64_t imm12 = 0x003ffc00;
constexpr std::uint64_t imm14 = 0x0007ffe0;
constexpr std::uint64_t imm16 = 0x001fffe0;
constexpr std::uint64_t imm16n = imm16 | 0x40000000;
constexpr std::uint64_t imm19 = 0x00ffffe0;
constexpr std::uint64_t imm26 = 0x03ffffff;
constexpr std::uint64_t adr = 0x60ffffe0;

// clang-format off
constexpr std::array table = {
    // name, bytes, formula, is_signed, is_call, bits, scale
    RelocationType{R_AARCH64_NONE,                   {"R_AARCH64_NONE", 0, none}},
    // An earlier number of the same (arch/arm64/kernel/module.c knows both).
    RelocationType{R_AARCH64_NONE_256,               {"R_AARCH64_NONE", 0, none}},
    RelocationType{R_AARCH64_ABS64,                  {"R_AARCH64_ABS64", 8, absolute}},
    RelocationType{R_AARCH64_ABS32,                  {"R_AARCH64_ABS32", 4, absolute}},
    RelocationType{R_AARCH64_ABS16,                  {"R_AARCH64_ABS16", 2, absolute}},
    RelocationType{R_AARCH64_PREL64,                 {"R_AARCH64_PREL64", 8, pc_relative, true}},
    RelocationType{R_AARCH64_PREL32,                 {"R_AARCH64_PREL32", 4, pc_relative, true}},
    RelocationType{R_AARCH64_PREL16,                 {"R_AARCH64_PREL16", 2, pc_relative, true}},
    RelocationType{R_AARCH64_MOVW_UABS_G0,           {"R_AARCH64_MOVW_UABS_G0", 4, other, false, false, imm16}},
    RelocationType{R_AARCH64_MOVW_UABS_G0_NC,        {"R_AARCH64_MOVW_UABS_G0_NC", 4, other, false, false, imm16}},
    RelocationType{R_AARCH64_MOVW_UABS_G1,           {"R_AARCH64_MOVW_UABS_G1", 4, other, false, false, imm16}},
    RelocationType{R_AARCH64_MOVW_UABS_G1_NC,        {"R_AARCH64_MOVW_UABS_G1_NC", 4, other, false, false, imm16}},
    RelocationType{R_AARCH64_MOVW_UABS_G2,           {"R_AARCH64_MOVW_UABS_G2", 4, other, false, false, imm16}},
    RelocationType{R_AARCH64_MOVW_UABS_G2_NC,        {"R_AARCH64_MOVW_UABS_G2_NC", 4, other, false, false, imm16}},
    RelocationType{R_AARCH64_MOVW_UABS_G3,           {"R_AARCH64_MOVW_UABS_G3", 4, other, false, false, imm16}},
    RelocationType{R_AARCH64_MOVW_SABS_G0,           {"R_AARCH64_MOVW_SABS_G0", 4, other, true, false, imm16n}},
    RelocationType{R_AARCH64_MOVW_SABS_G1,           {"R_AARCH64_MOVW_SABS_G1", 4, other, true, false, imm16n}},
    RelocationType{R_AARCH64_MOVW_SABS_G2,           {"R_AARCH64_MOVW_SABS_G2", 4, other, true, false, imm16n}},
    RelocationType{R_AARCH64_LD_PREL_LO19,           {"R_AARCH64_LD_PREL_LO19", 4, pc_relative, true, false, imm19, 2}},
    RelocationType{R_AARCH64_ADR_PREL_LO21,          {"R_AARCH64_ADR_PREL_LO21", 4, pc_relative, true, false, adr}},
    RelocationType{R_AARCH64_ADR_PREL_PG_HI21,       {"R_AARCH64_ADR_PREL_PG_HI21", 4, other, true, false, adr}},
    RelocationType{R_AARCH64_ADR_PREL_PG_HI21_NC,    {"R_AARCH64_ADR_PREL_PG_HI21_NC", 4, other, true, false, adr}},
    RelocationType{R_AARCH64_ADD_ABS_LO12_NC,        {"R_AARCH64_ADD_ABS_LO12_NC", 4, other, false, false, imm12}},
    RelocationType{R_AARCH64_LDST8_ABS_LO12_NC,      {"R_AARCH64_LDST8_ABS_LO12_NC", 4, other, false, false, imm12}},
    RelocationType{R_AARCH64_TSTBR14,                {"R_AARCH64_TSTBR14", 4, pc_relative, true, true, imm14, 2}},
    RelocationType{R_AARCH64_CONDBR19,               {"R_AARCH64_CONDBR19", 4, pc_relative, true, true, imm19, 2}},
    RelocationType{R_AARCH64_JUMP26,                 {"R_AARCH64_JUMP26", 4, pc_relative, true, true, imm26, 2}},
    RelocationType{R_AARCH64_CALL26,                 {"R_AARCH64_CALL26", 4, pc_relative, true, true, imm26, 2}},
    RelocationType{R_AARCH64_LDST16_ABS_LO12_NC,     {"R_AARCH64_LDST16_ABS_LO12_NC", 4, other, false, false, imm12}},
    RelocationType{R_AARCH64_LDST32_ABS_LO12_NC,     {"R_AARCH64_LDST32_ABS_LO12_NC", 4, other, false, false, imm12}},
    RelocationType{R_AARCH64_LDST64_ABS_LO12_NC,     {"R_AARCH64_LDST64_ABS_LO12_NC", 4, other, false, false, imm12}},
    RelocationType{R_AARCH64_MOVW_PREL_G0,           {"R_AARCH64_MOVW_PREL_G0", 4, other, true, false, imm16n}},
    RelocationType{R_AARCH64_MOVW_PREL_G0_NC,        {"R_AARCH64_MOVW_PREL_G0_NC", 4, other, true, false, imm16}},
    RelocationType{R_AARCH64_MOVW_PREL_G1,           {"R_AARCH64_MOVW_PREL_G1", 4, other, true, false, imm16n}},
    RelocationType{R_AARCH64_MOVW_PREL_G1_NC,        {"R_AARCH64_MOVW_PREL_G1_NC", 4, other, true, false, imm16}},
    RelocationType{R_AARCH64_MOVW_PREL_G2,           {"R_AARCH64_MOVW_PREL_G2", 4, other, true, false, imm16n}},
    RelocationType{R_AARCH64_MOVW_PREL_G2_NC,        {"R_AARCH64_MOVW_PREL_G2_NC", 4, other, true, false, imm16}},
    RelocationType{R_AARCH64_MOVW_PREL_G3,           {"R_AARCH64_MOVW_PREL_G3", 4, other, true, false, imm16}},
    RelocationType{R_AARCH64_LDST128_ABS_LO12_NC,    {"R_AARCH64_LDST128_ABS_LO12_NC", 4, other, false, false, imm12}},
    RelocationType{R_AARCH64_GOTREL64,               {"R_AARCH64_GOTREL64", 8, other}},
    RelocationType{R_AARCH64_GOTREL32,               {"R_AARCH64_GOTREL32", 4, other}},
    RelocationType{R_AARCH64_GOT_LD_PREL19,          {"R_AARCH64_GOT_LD_PREL19", 4, other, true, false, imm19}},
    RelocationType{R_AARCH64_LD64_GOTOFF_LO15,       {"R_AARCH64_LD64_GOTOFF_LO15", 4, other, false, false, imm12}},
    RelocationType{R_AARCH64_ADR_GOT_PAGE,           {"R_AARCH64_ADR_GOT_PAGE", 4, other, true, false, adr}},
    RelocationType{R_AARCH64_LD64_GOT_LO12_NC,       {"R_AARCH64_LD64_GOT_LO12_NC", 4, other, false, false, imm12}},
    RelocationType{R_AARCH64_LD64_GOTPAGE_LO15,      {"R_AARCH64_LD64_GOTPAGE_LO15", 4, other, false, false, imm12}},
    RelocationType{R_AARCH64_PLT32,                  {"R_AARCH64_PLT32", 4, pc_relative, true, true}},
    RelocationType{R_AARCH64_GOTPCREL32,             {"R_AARCH64_GOTPCREL32", 4, other, true}},
};
// clang-format on

static_assert(std::ranges::is_sorted(table, {}, &RelocationType::type));

}  // namespace

std::optional<RelocationInfo> relocation_info(std::uint32_t type) noexcept {
    return find_type(table, type);
}

}  // namespace klp::arch::arm64
