// SPDX-License-Identifier: GPL-2.0-or-later
// Types that the kernel's module loaders know: apply_relocate_add() in arch/*/kernel/module*.c.
#include "arch/module_relocation_types.hpp"

#include <elf.h>

namespace klp::arch {

namespace {

// arch/x86/kernel/module.c
bool x86_knows(std::uint32_t type) {
    switch (type) {
        case R_X86_64_NONE:
        case R_X86_64_64:
        case R_X86_64_32:
        case R_X86_64_32S:
        case R_X86_64_PC32:
        case R_X86_64_PLT32:
        case R_X86_64_PC64:
            return true;
        default:
            return false;
    }
}

// arch/powerpc/kernel/module_64.c; elf.h lacks R_PPC64_ENTRY.
bool ppc64_knows(std::uint32_t type) {
    constexpr std::uint32_t r_ppc64_entry = 118;
    switch (type) {
        case R_PPC64_ADDR32:
        case R_PPC64_ADDR64:
        case R_PPC64_TOC:
        case R_PPC64_TOC16:
        case R_PPC64_TOC16_LO:
        case R_PPC64_TOC16_DS:
        case R_PPC64_TOC16_LO_DS:
        case R_PPC64_TOC16_HA:
        case R_PPC64_REL24:
        case R_PPC64_REL64:
        case R_PPC64_REL32:
        case R_PPC64_TOCSAVE:
        case r_ppc64_entry:
        case R_PPC64_REL16_HA:
        case R_PPC64_REL16_LO:
            return true;
        default:
            return false;
    }
}

// arch/s390/kernel/module.c. COPY to RELATIVE are named there, and refused.
bool s390_knows(std::uint32_t type) {
    const bool is_refused = type >= R_390_COPY && type <= R_390_RELATIVE;
    const bool is_long_displacement = type >= R_390_20 && type <= R_390_GOTPLT20;
    return (type <= R_390_PLTOFF64 && !is_refused) || is_long_displacement;
}

// arch/arm64/kernel/module.c
bool arm64_knows(std::uint32_t type) {
    constexpr std::uint32_t r_aarch64_none_256 = 256;
    switch (type) {
        case R_AARCH64_NONE:
        case r_aarch64_none_256:
        case R_AARCH64_LD_PREL_LO19:
        case R_AARCH64_ADR_PREL_LO21:
        case R_AARCH64_ADR_PREL_PG_HI21:
        case R_AARCH64_ADR_PREL_PG_HI21_NC:
        case R_AARCH64_ADD_ABS_LO12_NC:
        case R_AARCH64_LDST8_ABS_LO12_NC:
        case R_AARCH64_LDST16_ABS_LO12_NC:
        case R_AARCH64_LDST32_ABS_LO12_NC:
        case R_AARCH64_LDST64_ABS_LO12_NC:
        case R_AARCH64_LDST128_ABS_LO12_NC:
        case R_AARCH64_TSTBR14:
        case R_AARCH64_CONDBR19:
        case R_AARCH64_JUMP26:
        case R_AARCH64_CALL26:
            return true;
        default: {
            const bool is_data = type >= R_AARCH64_ABS64 && type <= R_AARCH64_PREL16;
            const bool is_move_of_value = type >= R_AARCH64_MOVW_UABS_G0 && type <= R_AARCH64_MOVW_SABS_G2;
            const bool is_move_of_distance = type >= R_AARCH64_MOVW_PREL_G0 && type <= R_AARCH64_MOVW_PREL_G3;
            return is_data || is_move_of_value || is_move_of_distance;
        }
    }
}

}  // namespace

bool module_loader_knows(std::uint16_t machine, std::uint32_t type) noexcept {
    switch (machine) {
        case EM_X86_64:
            return x86_knows(type);
        case EM_PPC64:
            return ppc64_knows(type);
        case EM_S390:
            return s390_knows(type);
        case EM_AARCH64:
            return arm64_knows(type);
        default:
            return false;
    }
}

bool relocates_zeros_alone(std::uint16_t machine) noexcept {
    return machine == EM_X86_64;
}

}  // namespace klp::arch
