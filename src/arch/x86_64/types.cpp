// SPDX-License-Identifier: GPL-2.0-or-later
// The relocation types of x86-64 (psABI AMD64, "Relocation Types").
#include <elf.h>

#include "arch/x86_64/x86_64.hpp"

namespace klp::arch::x86_64 {

namespace {

constexpr Formula other = Formula::other;
constexpr Formula absolute = Formula::absolute;
constexpr Formula pc_relative = Formula::pc_relative;

}  // namespace

// clang-format off
std::optional<RelocationInfo> relocation_info(std::uint32_t type) noexcept {
    switch (type) {
        //                               name, bytes, formula, is_signed, is_call
        case R_X86_64_NONE:          return RelocationInfo{"R_X86_64_NONE", 0, Formula::none, false, false};
        case R_X86_64_64:            return RelocationInfo{"R_X86_64_64", 8, absolute, false, false};
        case R_X86_64_32:            return RelocationInfo{"R_X86_64_32", 4, absolute, false, false};
        case R_X86_64_32S:           return RelocationInfo{"R_X86_64_32S", 4, absolute, true, false};
        case R_X86_64_16:            return RelocationInfo{"R_X86_64_16", 2, absolute, false, false};
        case R_X86_64_8:             return RelocationInfo{"R_X86_64_8", 1, absolute, true, false};
        case R_X86_64_PC64:          return RelocationInfo{"R_X86_64_PC64", 8, pc_relative, true, false};
        case R_X86_64_PC32:          return RelocationInfo{"R_X86_64_PC32", 4, pc_relative, true, false};
        case R_X86_64_PC16:          return RelocationInfo{"R_X86_64_PC16", 2, pc_relative, true, false};
        case R_X86_64_PC8:           return RelocationInfo{"R_X86_64_PC8", 1, pc_relative, true, false};
        // L + A - P, where the kernel has no procedure linkage table: L is S.
        case R_X86_64_PLT32:         return RelocationInfo{"R_X86_64_PLT32", 4, pc_relative, true, true};
        case R_X86_64_GOT32:         return RelocationInfo{"R_X86_64_GOT32", 4, other, true, false};
        case R_X86_64_GOTPCREL:      return RelocationInfo{"R_X86_64_GOTPCREL", 4, other, true, false};
        case R_X86_64_GOTPCRELX:     return RelocationInfo{"R_X86_64_GOTPCRELX", 4, other, true, false};
        case R_X86_64_REX_GOTPCRELX: return RelocationInfo{"R_X86_64_REX_GOTPCRELX", 4, other, true, false};
        case R_X86_64_GOTPC32:       return RelocationInfo{"R_X86_64_GOTPC32", 4, other, true, false};
        case R_X86_64_GOTOFF64:      return RelocationInfo{"R_X86_64_GOTOFF64", 8, other, true, false};
        case R_X86_64_TPOFF32:       return RelocationInfo{"R_X86_64_TPOFF32", 4, other, true, false};
        case R_X86_64_SIZE32:        return RelocationInfo{"R_X86_64_SIZE32", 4, other, false, false};
        case R_X86_64_SIZE64:        return RelocationInfo{"R_X86_64_SIZE64", 8, other, false, false};
        default:                     return std::nullopt;
    }
}

// clang-format on

}  // namespace klp::arch::x86_64
