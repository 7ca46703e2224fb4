// SPDX-License-Identifier: GPL-2.0-or-later
// The special sections of ppc64le.
#include "arch/ppc64le/ppc64le.hpp"

#include <array>

namespace klp::arch::ppc64le {

std::span<const SpecialSection> special_sections() noexcept {
    using namespace cells;
    // arch/powerpc/include/asm/feature-fixups.h: mask, value, start and end of the code, start and end of its
    // replacement
    static constexpr EntryLayout feature_fixups[] = {
        {.bytes = 48, .fields = "....R_R_R_R_", .replacement = {.start = 32, .end = 40}}};
    // arch/powerpc/include/asm/ppc_asm.h
    static constexpr EntryLayout soft_masks[] = {{.bytes = 16, .fields = "R_R_"}};
    static constexpr EntryLayout restarts[] = {{.bytes = 24, .fields = "R_R_R_"}};
    // arch/powerpc/include/asm/extable.h: struct exception_table_entry { int insn, fixup; }, of longs before 4.10
    static constexpr EntryLayout exception_entries[] = {{.bytes = 8, .fields = "rr"}, {.bytes = 16, .fields = "R_R_"}};
    // clang-format off
    static constexpr std::array table = {
        //             name                            entry               owner   layouts            origin   key         companion code      table      sealed      .klp.arch  counts from lists
        // arch/powerpc/include/asm/feature-fixups.h:MAKE_FTR_SECTION_ENTRY: mask, value; start and end of the code, start and
        // end of its replacement (struct fixup_entry of arch/powerpc/lib/feature-fixups.c), each 8 bytes
        SpecialSection{"__ftr_fixup",                  fixed(48),          at(16), feature_fixups,    source,  no_key,     alone,    replaced, constant,  never,      not_taken, entry,      other_places},
        SpecialSection{"__mmu_ftr_fixup",              fixed(48),          at(16), feature_fixups,    source,  no_key,     alone,    replaced, constant,  never,      not_taken, entry,      other_places},
        SpecialSection{"__fw_ftr_fixup",               fixed(48),          at(16), feature_fixups,    source,  no_key,     alone,    replaced, constant,  never,      not_taken, entry,      other_places},
        // The same file: MAKE_LWSYNC_SECTION_ENTRY, *_FIXUP_SECTION
        SpecialSection{"__lwsync_fixup",               fixed(8),           at(0),  one_long,          source,  no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{"__barrier_nospec_fixup",       fixed(8),           at(0),  one_long,          source,  no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{"__stf_entry_barrier_fixup",    fixed(8),           at(0),  one_long,          source,  no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{"__stf_exit_barrier_fixup",     fixed(8),           at(0),  one_long,          source,  no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{"__uaccess_flush_fixup",        fixed(8),           at(0),  one_long,          source,  no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{"__entry_flush_fixup",          fixed(8),           at(0),  one_long,          source,  no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{"__scv_entry_flush_fixup",      fixed(8),           at(0),  one_long,          source,  no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{"__rfi_flush_fixup",            fixed(8),           at(0),  one_long,          source,  no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
        // arch/powerpc/include/asm/ppc_asm.h: SOFT_MASK_TABLE, RESTART_TABLE
        SpecialSection{"__soft_mask_table",            fixed(16),          at(0),  soft_masks,        source,  no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{"__restart_table",              fixed(24),          at(0),  restarts,          source,  no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
        // arch/powerpc/include/asm/extable.h: struct exception_table_entry { int insn, fixup; }
        SpecialSection{"__ex_table",                   exception_entry(8), at(0),  exception_entries, source,  no_key,     alone,    kept,     sorted,    never,      not_taken, field,      other_places},
        // include/asm-generic/bug.h: bug_addr_disp, file_disp, line, flags; file and line with CONFIG_DEBUG_BUGVERBOSE
        SpecialSection{"__bug_table",                  bug_entry,          at(0),  bug_entries,       source,  no_key,     alone,    kept,     changing,  never,      not_taken, field,      other_places},
        // include/linux/jump_label.h: struct jump_entry { s32 code, target; long key; }
        SpecialSection{"__jump_table",                 jump_entry,         at(0),  jump_entries,      source,  static_key, alone,    kept,     sorted,    after_init, not_taken, field,      other_places},
        // scripts/recordmcount.c; gcc -fpatchable-function-entry
        SpecialSection{"__mcount_loc",                 fixed(8),           at(0),  one_long,          derived, no_key,     alone,    kept,     sorted,    never,      not_taken, field,      ftrace_sites},
        SpecialSection{"__patchable_function_entries", fixed(8),           at(0),  one_long,          derived, no_key,     alone,    kept,     sorted,    never,      not_taken, field,      ftrace_sites},
        // include/asm-generic/kprobes.h:NOKPROBE_SYMBOL: the address of a function
        SpecialSection{"_kprobe_blacklist",            fixed(8),           at(0),  one_long,          derived, no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
    };
    // clang-format on
    return table;
}

}  // namespace klp::arch::ppc64le
