// SPDX-License-Identifier: GPL-2.0-or-later
// The relocation types of ppc64le (OpenPOWER ELFv2 ABI, chapter 3.5). What one half of a pair writes (_HA and _LO) or
// what counts from the TOC pointer tells no target by itself.
#include <elf.h>

#include <array>

#include "arch/ppc64le/ppc64le.hpp"
#include "arch/relocation_types.hpp"

namespace klp::arch::ppc64le {

namespace {

constexpr Formula none = Formula::none;
constexpr Formula other = Formula::other;
constexpr Formula absolute = Formula::absolute;
constexpr Formula pc_relative = Formula::pc_relative;

// Later than glibc's elf.h (OpenPOWER ELFv2 ABI, "Relocation Types").
// clang-format off
constexpr std::uint32_t R_PPC64_REL24_NOTOC = 116;
constexpr std::uint32_t R_PPC64_ADDR64_LOCAL = 117;
constexpr std::uint32_t R_PPC64_ENTRY = 118;
constexpr std::uint32_t R_PPC64_PLTSEQ = 119;
constexpr std::uint32_t R_PPC64_PLTCALL = 120;
constexpr std::uint32_t R_PPC64_PLTSEQ_NOTOC = 121;
constexpr std::uint32_t R_PPC64_PLTCALL_NOTOC = 122;
constexpr std::uint32_t R_PPC64_PCREL_OPT = 123;
constexpr std::uint32_t R_PPC64_REL24_P9NOTOC = 124;
constexpr std::uint32_t R_PPC64_D34 = 128;
constexpr std::uint32_t R_PPC64_D34_LO = 129;
constexpr std::uint32_t R_PPC64_D34_HI30 = 130;
constexpr std::uint32_t R_PPC64_D34_HA30 = 131;
constexpr std::uint32_t R_PPC64_PCREL34 = 132;
constexpr std::uint32_t R_PPC64_GOT_PCREL34 = 133;
constexpr std::uint32_t R_PPC64_PLT_PCREL34 = 134;
constexpr std::uint32_t R_PPC64_PLT_PCREL34_NOTOC = 135;
constexpr std::uint32_t R_PPC64_REL16_HIGH = 240;
constexpr std::uint32_t R_PPC64_REL16_HIGHA = 241;
constexpr std::uint32_t R_PPC64_REL16_HIGHER = 242;
constexpr std::uint32_t R_PPC64_REL16_HIGHERA = 243;
constexpr std::uint32_t R_PPC64_REL16_HIGHEST = 244;
constexpr std::uint32_t R_PPC64_REL16_HIGHESTA = 245;
constexpr std::uint32_t R_PPC64_REL16DX_HA = 246;
// clang-format on

// The immediates of instructions: LI of I-form and BD of B-form branches, DS of `ld` and `std`, and the 34 bits of a
// prefixed instruction, of which the prefix, the lower word, has the high ones.
constexpr std::uint64_t li = 0x03fffffc;
constexpr std::uint64_t bd = 0x0000fffc;
constexpr std::uint64_t ds = 0xfffc;
constexpr std::uint64_t d34 = 0x0000ffff0003ffff;

// clang-format off
constexpr std::array table = {
    // name, bytes, formula, is_signed, is_call, bits, scale
    RelocationType{R_PPC64_NONE,               {"R_PPC64_NONE", 0, none}},
    RelocationType{R_PPC64_ADDR32,             {"R_PPC64_ADDR32", 4, absolute}},
    RelocationType{R_PPC64_ADDR24,             {"R_PPC64_ADDR24", 4, absolute, true, false, li, 2}},
    RelocationType{R_PPC64_ADDR16,             {"R_PPC64_ADDR16", 2, absolute, true}},
    RelocationType{R_PPC64_ADDR16_LO,          {"R_PPC64_ADDR16_LO", 2, other}},
    RelocationType{R_PPC64_ADDR16_HI,          {"R_PPC64_ADDR16_HI", 2, other}},
    RelocationType{R_PPC64_ADDR16_HA,          {"R_PPC64_ADDR16_HA", 2, other}},
    RelocationType{R_PPC64_ADDR14,             {"R_PPC64_ADDR14", 4, absolute, true, false, bd, 2}},
    RelocationType{R_PPC64_ADDR14_BRTAKEN,     {"R_PPC64_ADDR14_BRTAKEN", 4, absolute, true, false, bd, 2}},
    RelocationType{R_PPC64_ADDR14_BRNTAKEN,    {"R_PPC64_ADDR14_BRNTAKEN", 4, absolute, true, false, bd, 2}},
    RelocationType{R_PPC64_REL24,              {"R_PPC64_REL24", 4, pc_relative, true, true, li, 2}},
    RelocationType{R_PPC64_REL14,              {"R_PPC64_REL14", 4, pc_relative, true, true, bd, 2}},
    RelocationType{R_PPC64_REL14_BRTAKEN,      {"R_PPC64_REL14_BRTAKEN", 4, pc_relative, true, true, bd, 2}},
    RelocationType{R_PPC64_REL14_BRNTAKEN,     {"R_PPC64_REL14_BRNTAKEN", 4, pc_relative, true, true, bd, 2}},
    RelocationType{R_PPC64_GOT16,              {"R_PPC64_GOT16", 2, other}},
    RelocationType{R_PPC64_GOT16_LO,           {"R_PPC64_GOT16_LO", 2, other}},
    RelocationType{R_PPC64_GOT16_HI,           {"R_PPC64_GOT16_HI", 2, other}},
    RelocationType{R_PPC64_GOT16_HA,           {"R_PPC64_GOT16_HA", 2, other}},
    RelocationType{R_PPC64_UADDR32,            {"R_PPC64_UADDR32", 4, absolute}},
    RelocationType{R_PPC64_UADDR16,            {"R_PPC64_UADDR16", 2, absolute}},
    RelocationType{R_PPC64_REL32,              {"R_PPC64_REL32", 4, pc_relative, true}},
    RelocationType{R_PPC64_ADDR64,             {"R_PPC64_ADDR64", 8, absolute}},
    RelocationType{R_PPC64_ADDR16_HIGHER,      {"R_PPC64_ADDR16_HIGHER", 2, other}},
    RelocationType{R_PPC64_ADDR16_HIGHERA,     {"R_PPC64_ADDR16_HIGHERA", 2, other}},
    RelocationType{R_PPC64_ADDR16_HIGHEST,     {"R_PPC64_ADDR16_HIGHEST", 2, other}},
    RelocationType{R_PPC64_ADDR16_HIGHESTA,    {"R_PPC64_ADDR16_HIGHESTA", 2, other}},
    RelocationType{R_PPC64_UADDR64,            {"R_PPC64_UADDR64", 8, absolute}},
    RelocationType{R_PPC64_REL64,              {"R_PPC64_REL64", 8, pc_relative, true}},
    RelocationType{R_PPC64_TOC16,              {"R_PPC64_TOC16", 2, other}},
    RelocationType{R_PPC64_TOC16_LO,           {"R_PPC64_TOC16_LO", 2, other}},
    RelocationType{R_PPC64_TOC16_HI,           {"R_PPC64_TOC16_HI", 2, other}},
    RelocationType{R_PPC64_TOC16_HA,           {"R_PPC64_TOC16_HA", 2, other}},
    RelocationType{R_PPC64_TOC,                {"R_PPC64_TOC", 8, other}},
    RelocationType{R_PPC64_ADDR16_DS,          {"R_PPC64_ADDR16_DS", 2, other, false, false, ds}},
    RelocationType{R_PPC64_ADDR16_LO_DS,       {"R_PPC64_ADDR16_LO_DS", 2, other, false, false, ds}},
    RelocationType{R_PPC64_GOT16_DS,           {"R_PPC64_GOT16_DS", 2, other, false, false, ds}},
    RelocationType{R_PPC64_GOT16_LO_DS,        {"R_PPC64_GOT16_LO_DS", 2, other, false, false, ds}},
    RelocationType{R_PPC64_TOC16_DS,           {"R_PPC64_TOC16_DS", 2, other, false, false, ds}},
    RelocationType{R_PPC64_TOC16_LO_DS,        {"R_PPC64_TOC16_LO_DS", 2, other, false, false, ds}},
    // Marks a call of __tls_get_addr or a place where the TOC pointer is saved: nothing is written.
    RelocationType{R_PPC64_TLS,                {"R_PPC64_TLS", 0, none}},
    RelocationType{R_PPC64_TOCSAVE,            {"R_PPC64_TOCSAVE", 0, none}},
    RelocationType{R_PPC64_ADDR16_HIGH,        {"R_PPC64_ADDR16_HIGH", 2, other}},
    RelocationType{R_PPC64_ADDR16_HIGHA,       {"R_PPC64_ADDR16_HIGHA", 2, other}},
    RelocationType{R_PPC64_REL24_NOTOC,        {"R_PPC64_REL24_NOTOC", 4, pc_relative, true, true, li, 2}},
    RelocationType{R_PPC64_ADDR64_LOCAL,       {"R_PPC64_ADDR64_LOCAL", 8, absolute}},
    // Marks the two instructions of a global entry that make the TOC pointer of r12: they may be rewritten.
    RelocationType{R_PPC64_ENTRY,              {"R_PPC64_ENTRY", 8, other}},
    RelocationType{R_PPC64_PLTSEQ,             {"R_PPC64_PLTSEQ", 4, other}},
    RelocationType{R_PPC64_PLTCALL,            {"R_PPC64_PLTCALL", 4, other}},
    RelocationType{R_PPC64_PLTSEQ_NOTOC,       {"R_PPC64_PLTSEQ_NOTOC", 4, other}},
    RelocationType{R_PPC64_PLTCALL_NOTOC,      {"R_PPC64_PLTCALL_NOTOC", 4, other}},
    RelocationType{R_PPC64_PCREL_OPT,          {"R_PPC64_PCREL_OPT", 0, none}},
    RelocationType{R_PPC64_REL24_P9NOTOC,      {"R_PPC64_REL24_P9NOTOC", 4, pc_relative, true, true, li, 2}},
    RelocationType{R_PPC64_D34,                {"R_PPC64_D34", 8, other, true, false, d34}},
    RelocationType{R_PPC64_D34_LO,             {"R_PPC64_D34_LO", 8, other, true, false, d34}},
    RelocationType{R_PPC64_D34_HI30,           {"R_PPC64_D34_HI30", 8, other, true, false, d34}},
    RelocationType{R_PPC64_D34_HA30,           {"R_PPC64_D34_HA30", 8, other, true, false, d34}},
    RelocationType{R_PPC64_PCREL34,            {"R_PPC64_PCREL34", 8, other, true, false, d34}},
    RelocationType{R_PPC64_GOT_PCREL34,        {"R_PPC64_GOT_PCREL34", 8, other, true, false, d34}},
    RelocationType{R_PPC64_PLT_PCREL34,        {"R_PPC64_PLT_PCREL34", 8, other, true, false, d34}},
    RelocationType{R_PPC64_PLT_PCREL34_NOTOC,  {"R_PPC64_PLT_PCREL34_NOTOC", 8, other, true, false, d34}},
    RelocationType{R_PPC64_REL16_HIGH,         {"R_PPC64_REL16_HIGH", 2, other}},
    RelocationType{R_PPC64_REL16_HIGHA,        {"R_PPC64_REL16_HIGHA", 2, other}},
    RelocationType{R_PPC64_REL16_HIGHER,       {"R_PPC64_REL16_HIGHER", 2, other}},
    RelocationType{R_PPC64_REL16_HIGHERA,      {"R_PPC64_REL16_HIGHERA", 2, other}},
    RelocationType{R_PPC64_REL16_HIGHEST,      {"R_PPC64_REL16_HIGHEST", 2, other}},
    RelocationType{R_PPC64_REL16_HIGHESTA,     {"R_PPC64_REL16_HIGHESTA", 2, other}},
    RelocationType{R_PPC64_REL16DX_HA,         {"R_PPC64_REL16DX_HA", 4, other, true, false, 0x001fffc1}},
    RelocationType{R_PPC64_REL16,              {"R_PPC64_REL16", 2, pc_relative, true}},
    RelocationType{R_PPC64_REL16_LO,           {"R_PPC64_REL16_LO", 2, other}},
    RelocationType{R_PPC64_REL16_HI,           {"R_PPC64_REL16_HI", 2, other}},
    RelocationType{R_PPC64_REL16_HA,           {"R_PPC64_REL16_HA", 2, other}},
};
// clang-format on

static_assert(std::ranges::is_sorted(table, {}, &RelocationType::type));

}  // namespace

std::optional<RelocationInfo> relocation_info(std::uint32_t type) noexcept {
    return find_type(table, type);
}

}  // namespace klp::arch::ppc64le
