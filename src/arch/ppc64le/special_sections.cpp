// SPDX-License-Identifier: GPL-2.0-or-later
// The special sections of ppc64le.
#include "arch/ppc64le/ppc64le.hpp"

#include <array>

namespace klp::arch::ppc64le {

std::span<const SpecialSection> special_sections() noexcept {
    using namespace cells;
    constexpr EntrySize bug_entry = probed("sizeof(struct bug_entry)", "linux/bug.h");
    constexpr Ignored line_of_bug{{8, 10}, 12};
    // clang-format off
    static constexpr std::array table = {
        //             name                            entry      owner   ignored      origin   key            companion code      table      sealed      .klp.arch  counts from lists
        // arch/powerpc/include/asm/feature-fixups.h:MAKE_FTR_SECTION_ENTRY: mask, value; start and end of the code, start and
        // end of its replacement (struct fixup_entry of arch/powerpc/lib/feature-fixups.c), each 8 bytes
        SpecialSection{"__ftr_fixup",                  fixed(48), at(16), none,        source,  no_key,        alone,    replaced, constant,  never,      not_taken, entry,      other_places},
        SpecialSection{"__mmu_ftr_fixup",              fixed(48), at(16), none,        source,  no_key,        alone,    replaced, constant,  never,      not_taken, entry,      other_places},
        SpecialSection{"__fw_ftr_fixup",               fixed(48), at(16), none,        source,  no_key,        alone,    replaced, constant,  never,      not_taken, entry,      other_places},
        // The same file: MAKE_LWSYNC_SECTION_ENTRY, *_FIXUP_SECTION
        SpecialSection{"__lwsync_fixup",               fixed(8),  at(0),  none,        source,  no_key,        alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{"__barrier_nospec_fixup",       fixed(8),  at(0),  none,        source,  no_key,        alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{"__stf_entry_barrier_fixup",    fixed(8),  at(0),  none,        source,  no_key,        alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{"__stf_exit_barrier_fixup",     fixed(8),  at(0),  none,        source,  no_key,        alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{"__uaccess_flush_fixup",        fixed(8),  at(0),  none,        source,  no_key,        alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{"__entry_flush_fixup",          fixed(8),  at(0),  none,        source,  no_key,        alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{"__scv_entry_flush_fixup",      fixed(8),  at(0),  none,        source,  no_key,        alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{"__rfi_flush_fixup",            fixed(8),  at(0),  none,        source,  no_key,        alone,    kept,     constant,  never,      not_taken, field,      other_places},
        // arch/powerpc/include/asm/ppc_asm.h: SOFT_MASK_TABLE, RESTART_TABLE
        SpecialSection{"__soft_mask_table",            fixed(16), at(0),  none,        source,  no_key,        alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{"__restart_table",              fixed(24), at(0),  none,        source,  no_key,        alone,    kept,     constant,  never,      not_taken, field,      other_places},
        // arch/powerpc/include/asm/extable.h: struct exception_table_entry { int insn, fixup; }
        SpecialSection{"__ex_table",                   fixed(8),  at(0),  none,        source,  no_key,        alone,    kept,     sorted,    never,      not_taken, field,      other_places},
        // include/asm-generic/bug.h: bug_addr_disp, file_disp, line, flags; file and line with CONFIG_DEBUG_BUGVERBOSE
        SpecialSection{"__bug_table",                  bug_entry, at(0),  line_of_bug, source,  no_key,        alone,    kept,     changing,  never,      not_taken, field,      other_places},
        // include/linux/jump_label.h: struct jump_entry { s32 code, target; long key; }
        SpecialSection{"__jump_table",                 fixed(16), at(0),  none,        source,  static_key(8), alone,    kept,     sorted,    after_init, not_taken, field,      other_places},
        // scripts/recordmcount.c; gcc -fpatchable-function-entry
        SpecialSection{"__mcount_loc",                 fixed(8),  at(0),  none,        derived, no_key,        alone,    kept,     sorted,    never,      not_taken, field,      ftrace_sites},
        SpecialSection{"__patchable_function_entries", fixed(8),  at(0),  none,        derived, no_key,        alone,    kept,     sorted,    never,      not_taken, field,      ftrace_sites},
    };
    // clang-format on
    return table;
}

}  // namespace klp::arch::ppc64le
