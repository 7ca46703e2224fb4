// SPDX-License-Identifier: GPL-2.0-or-later
// The special sections of x86_64.
#include "arch/x86_64/x86_64.hpp"

#include <array>

namespace klp::arch::x86_64 {

std::span<const SpecialSection> special_sections() noexcept {
    using namespace cells;
    constexpr EntrySize alt_instr = probed("sizeof(struct alt_instr)", "asm/alternative.h");
    constexpr Companion orc_entries{".orc_unwind", 6};
    // arch/x86/include/asm/alternative.h: struct alt_instr { s32 instr_offset, repl_offset; u16 cpuid; u8 instrlen,
    // replacementlen; }, packed; with u8 padlen behind it until 5.11, and with u32 ft_flags for cpuid since 6.3
    static constexpr EntryLayout alternatives[] = {
        {.bytes = 12, .fields = "rr.", .replacement = {.start = 4, .length = 11}},
        {.bytes = 13, .fields = "rr..", .replacement = {.start = 4, .length = 11}},
        {.bytes = 14, .fields = "rr..", .replacement = {.start = 4, .length = 13}},
    };
    // arch/x86/include/asm/extable.h: struct exception_table_entry { int insn, fixup, data; }, where data led to a
    // handler until 5.15; none before 4.6
    static constexpr EntryLayout exception_entries[] = {{.bytes = 8, .fields = "rr"}, {.bytes = 12, .fields = "rrr"}};
    // include/linux/static_call_types.h: struct static_call_site { s32 addr, key; }
    static constexpr EntryLayout static_call_sites[] = {{.bytes = 8, .fields = "rr", .key = 4}};
    // arch/x86/include/asm/paravirt_types.h: struct paravirt_patch_site { u8 *instr; u8 type, len; }, aligned before
    // each
    static constexpr EntryLayout paravirt_sites[] = {{.bytes = 16, .fields = "R_.."}};
    // clang-format off
    static constexpr std::array table = {
        //             name                            entry                owner  layouts            origin   key          companion    code      table      sealed                .klp.arch          counts from lists
        // arch/x86/include/asm/alternative.h: struct alt_instr { s32 instr_offset, repl_offset; … }; with 13 bytes as long as
        // there were .klp.arch sections: s32, s32, u16, u8, u8, u8 padlen
        SpecialSection{".altinstructions",             alt_instr,           at(0), alternatives,      source,  no_key,      alone,       replaced, constant,  never,                ArchEntrySize{13}, field,      other_places},
        // arch/x86/include/asm/extable.h: struct exception_table_entry { int insn, fixup, data; }
        SpecialSection{"__ex_table",                   exception_entry(12), at(0), exception_entries, source,  no_key,      alone,       kept,     sorted,    never,                not_taken,         field,      other_places},
        // include/asm-generic/bug.h: struct bug_entry { int bug_addr_disp, file_disp; u16 line, flags; } with
        // CONFIG_GENERIC_BUG_RELATIVE_POINTERS; without CONFIG_DEBUG_BUGVERBOSE no file and line; newer kernels have
        // format_disp as well.
        SpecialSection{"__bug_table",                  bug_entry,           at(0), bug_entries,       source,  no_key,      alone,       kept,     changing,  never,                not_taken,         field,      other_places},
        // include/linux/jump_label.h: struct jump_entry { s32 code, target; long key; }. The two low bits of the key are flags.
        SpecialSection{"__jump_table",                 jump_entry,          at(0), jump_entries,      source,  static_key,  alone,       kept,     sorted,    after_init,           not_taken,         field,      other_places},
        // arch/x86/include/asm/paravirt_types.h: struct paravirt_patch_site { u8 *instr; u8 type, len; }
        SpecialSection{".parainstructions",            fixed(16),           at(0), paravirt_sites,    source,  no_key,      alone,       replaced, constant,  never,                ArchEntrySize{16}, field,      other_places},
        // arch/x86/include/asm/alternative.h: LOCK_PREFIX_HERE
        SpecialSection{".smp_locks",                   fixed(4),            at(0), one_word,          source,  no_key,      alone,       kept,     constant,  never,                not_taken,         field,      other_places},
        // clang -fsanitize=kcfi: `.long trap - .`
        SpecialSection{".kcfi_traps",                  fixed(4),            at(0), one_word,          source,  no_key,      alone,       kept,     constant,  never,                not_taken,         field,      other_places},
        // include/linux/static_call_types.h: struct static_call_site { s32 addr, key; }; made by objtool
        // (check.c:create_static_call_sections) from calls of __SCT__ trampolines, of which the key follows.
        SpecialSection{".static_call_sites",           fixed(8),            at(0), static_call_sites, derived, static_call, alone,       kept,     sorted,    after_init_if_marked, not_taken,         field,      other_places},
        // tools/objtool/check.c: create_{return_sites,retpoline_sites,call_sites,cfi,ibt_endbr_seal}_sections
        SpecialSection{".return_sites",                fixed(4),            at(0), one_word,          derived, no_key,      alone,       kept,     constant,  never,                not_taken,         field,      other_places},
        SpecialSection{".retpoline_sites",             fixed(4),            at(0), one_word,          derived, no_key,      alone,       kept,     constant,  never,                not_taken,         field,      other_places},
        SpecialSection{".call_sites",                  fixed(4),            at(0), one_word,          derived, no_key,      alone,       kept,     constant,  never,                not_taken,         field,      other_places},
        SpecialSection{".cfi_sites",                   fixed(4),            at(0), one_word,          derived, no_key,      alone,       kept,     constant,  never,                not_taken,         field,      other_places},
        SpecialSection{".ibt_endbr_seal",              fixed(4),            at(0), one_word,          derived, no_key,      alone,       kept,     constant,  never,                not_taken,         field,      other_places},
        // gcc -mrecord-mcount, or objtool: addresses of the calls of __fentry__
        SpecialSection{"__mcount_loc",                 fixed(8),            at(0), one_long,          derived, no_key,      alone,       kept,     sorted,    never,                not_taken,         field,      ftrace_sites},
        // gcc -fpatchable-function-entry: addresses of the padding before functions
        SpecialSection{"__patchable_function_entries", fixed(8),            at(0), one_long,          derived, no_key,      alone,       kept,     constant,  never,                not_taken,         field,      function_areas},
        // include/asm-generic/kprobes.h:NOKPROBE_SYMBOL: the address of a function
        SpecialSection{"_kprobe_blacklist",            fixed(8),            at(0), one_long,          derived, no_key,      alone,       kept,     constant,  never,                not_taken,         field,      other_places},
        // tools/objtool/orc_gen.c: the place in .orc_unwind_ip, how to unwind from there in .orc_unwind (struct orc_entry,
        // arch/x86/include/asm/orc_types.h).
        SpecialSection{".orc_unwind_ip",               fixed(4),            at(0), one_word,          derived, no_key,      orc_entries, kept,     sorted,    never,                not_taken,         field,      other_places},
    };
    // clang-format on
    return table;
}

}  // namespace klp::arch::x86_64
