// SPDX-License-Identifier: GPL-2.0-or-later
// The relocation types of s390x (ELF Application Binary Interface s390x Supplement). Those of the GOT and the PLT name
// a slot that the linker or the module loader allots, so that no target can be read back.
#include <elf.h>

#include <array>

#include "arch/relocation_types.hpp"
#include "arch/s390x/s390x.hpp"

namespace klp::arch::s390x {

namespace {

constexpr Formula none = Formula::none;
constexpr Formula other = Formula::other;
constexpr Formula absolute = Formula::absolute;
constexpr Formula pc_relative = Formula::pc_relative;

// Later than glibc's elf.h (s390x psABI, "Relocation types"): the branch preload instructions.
constexpr std::uint32_t R_390_PC12DBL = 62;
constexpr std::uint32_t R_390_PLT12DBL = 63;
constexpr std::uint32_t R_390_PC24DBL = 64;
constexpr std::uint32_t R_390_PLT24DBL = 65;

// The fields of instructions: a displacement of 12 bits beside the base register; one of 20, of which DL (12 bits)
// comes before DH (8 bits); the 24 bits of `bprp`.
constexpr std::uint64_t d12 = 0x0fff;
constexpr std::uint64_t d20 = 0x0fffff00;
constexpr std::uint64_t ri24 = 0x00ffffff;

// clang-format off
constexpr std::array table = {
    // name, bytes, formula, is_signed, is_call, bits, scale
    RelocationType{R_390_NONE,         {"R_390_NONE", 0, none}},
    RelocationType{R_390_8,            {"R_390_8", 1, absolute}},
    RelocationType{R_390_12,           {"R_390_12", 2, absolute, false, false, d12}},
    RelocationType{R_390_16,           {"R_390_16", 2, absolute}},
    RelocationType{R_390_32,           {"R_390_32", 4, absolute}},
    RelocationType{R_390_PC32,         {"R_390_PC32", 4, pc_relative, true}},
    RelocationType{R_390_GOT12,        {"R_390_GOT12", 2, other, false, false, d12}},
    RelocationType{R_390_GOT32,        {"R_390_GOT32", 4, other}},
    // L + A - P. A call of a function in reach goes there directly: L is S.
    RelocationType{R_390_PLT32,        {"R_390_PLT32", 4, pc_relative, true, true}},
    RelocationType{R_390_GOTOFF32,     {"R_390_GOTOFF32", 4, other}},
    RelocationType{R_390_GOTPC,        {"R_390_GOTPC", 8, other}},
    RelocationType{R_390_GOT16,        {"R_390_GOT16", 2, other}},
    RelocationType{R_390_PC16,         {"R_390_PC16", 2, pc_relative, true}},
    RelocationType{R_390_PC16DBL,      {"R_390_PC16DBL", 2, pc_relative, true, false, 0, 1}},
    RelocationType{R_390_PLT16DBL,     {"R_390_PLT16DBL", 2, pc_relative, true, true, 0, 1}},
    RelocationType{R_390_PC32DBL,      {"R_390_PC32DBL", 4, pc_relative, true, false, 0, 1}},
    RelocationType{R_390_PLT32DBL,     {"R_390_PLT32DBL", 4, pc_relative, true, true, 0, 1}},
    RelocationType{R_390_GOTPCDBL,     {"R_390_GOTPCDBL", 4, other}},
    RelocationType{R_390_64,           {"R_390_64", 8, absolute}},
    RelocationType{R_390_PC64,         {"R_390_PC64", 8, pc_relative, true}},
    RelocationType{R_390_GOT64,        {"R_390_GOT64", 8, other}},
    RelocationType{R_390_PLT64,        {"R_390_PLT64", 8, pc_relative, true, true}},
    RelocationType{R_390_GOTENT,       {"R_390_GOTENT", 4, other}},
    RelocationType{R_390_GOTOFF16,     {"R_390_GOTOFF16", 2, other}},
    RelocationType{R_390_GOTOFF64,     {"R_390_GOTOFF64", 8, other}},
    RelocationType{R_390_GOTPLT12,     {"R_390_GOTPLT12", 2, other, false, false, d12}},
    RelocationType{R_390_GOTPLT16,     {"R_390_GOTPLT16", 2, other}},
    RelocationType{R_390_GOTPLT32,     {"R_390_GOTPLT32", 4, other}},
    RelocationType{R_390_GOTPLT64,     {"R_390_GOTPLT64", 8, other}},
    RelocationType{R_390_GOTPLTENT,    {"R_390_GOTPLTENT", 4, other}},
    RelocationType{R_390_PLTOFF16,     {"R_390_PLTOFF16", 2, other}},
    RelocationType{R_390_PLTOFF32,     {"R_390_PLTOFF32", 4, other}},
    RelocationType{R_390_PLTOFF64,     {"R_390_PLTOFF64", 8, other}},
    RelocationType{R_390_20,           {"R_390_20", 4, other, false, false, d20}},
    RelocationType{R_390_GOT20,        {"R_390_GOT20", 4, other, false, false, d20}},
    RelocationType{R_390_GOTPLT20,     {"R_390_GOTPLT20", 4, other, false, false, d20}},
    RelocationType{R_390_PC12DBL,      {"R_390_PC12DBL", 2, other, true, false, d12, 1}},
    RelocationType{R_390_PLT12DBL,     {"R_390_PLT12DBL", 2, other, true, false, d12, 1}},
    RelocationType{R_390_PC24DBL,      {"R_390_PC24DBL", 4, other, true, false, ri24, 1}},
    RelocationType{R_390_PLT24DBL,     {"R_390_PLT24DBL", 4, other, true, false, ri24, 1}},
};
// clang-format on

static_assert(std::ranges::is_sorted(table, {}, &RelocationType::type));

}  // namespace

std::optional<RelocationInfo> relocation_info(std::uint32_t type) noexcept {
    return find_type(table, type);
}

}  // namespace klp::arch::s390x
