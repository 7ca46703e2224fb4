// SPDX-License-Identifier: GPL-2.0-or-later
// The special sections of s390x.
#include "arch/s390x/s390x.hpp"

#include <array>

namespace klp::arch::s390x {

std::span<const SpecialSection> special_sections() noexcept {
    using namespace cells;
    constexpr EntrySize alt_instr = probed("sizeof(struct alt_instr)", "asm/alternative.h");
    // arch/s390/include/asm/alternative.h: struct alt_instr { s32 instr_offset, repl_offset; u16 facility; u8 instrlen,
    // replacementlen; }, packed; newer ones have one length, and then u32 feature
    static constexpr EntryLayout alternatives[] = {
        {.bytes = 11, .fields = "rr."},
        {.bytes = 12, .fields = "rr.", .replacement = {.start = 4, .length = 11}},
        {.bytes = 13, .fields = "rr.."},
    };
    // arch/s390/include/asm/extable.h: struct exception_table_entry { int insn, fixup; short type, data; }; until 5.18
    // with a long handler, and before 5.8 without
    static constexpr EntryLayout exception_entries[] = {
        {.bytes = 8, .fields = "rr"}, {.bytes = 12, .fields = "rr."}, {.bytes = 16, .fields = "rrR_"}};
    // clang-format off
    static constexpr std::array table = {
        //             name                       entry                owner  layouts            origin   key         companion code      table      sealed      .klp.arch  counts from lists
        // arch/s390/include/asm/alternative.h: struct alt_instr { s32 instr_offset, repl_offset; u16 facility (later u32
        // feature); u8 instrlen; }, packed
        SpecialSection{".altinstructions",        alt_instr,           at(0), alternatives,      source,  no_key,     alone,    replaced, constant,  never,      not_taken, field,      other_places},
        // arch/s390/include/asm/extable.h: struct exception_table_entry { int insn, fixup; short type, data; }
        SpecialSection{"__ex_table",              exception_entry(12), at(0), exception_entries, source,  no_key,     alone,    kept,     sorted,    never,      not_taken, field,      other_places},
        // arch/s390/include/asm/bug.h: bug_addr_disp, file_disp, line, flags; file and line with CONFIG_DEBUG_BUGVERBOSE, and
        // newer kernels have format_disp as well.
        SpecialSection{"__bug_table",             bug_entry,           at(0), bug_entries,       source,  no_key,     alone,    kept,     changing,  never,      not_taken, field,      other_places},
        // include/linux/jump_label.h: struct jump_entry { s32 code, target; long key; }
        SpecialSection{"__jump_table",            jump_entry,          at(0), jump_entries,      source,  static_key, alone,    kept,     sorted,    after_init, not_taken, field,      other_places},
        // gcc -mindirect-branch-table; asm/nospec-insn.h: `.long branch - .`
        SpecialSection{".s390_indirect_call",     fixed(4),            at(0), one_word,          source,  no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{".s390_indirect_jump",     fixed(4),            at(0), one_word,          source,  no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{".s390_indirect_branches", fixed(4),            at(0), one_word,          source,  no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{".s390_return_mem",        fixed(4),            at(0), one_word,          source,  no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{".s390_return_reg",        fixed(4),            at(0), one_word,          source,  no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
        // scripts/recordmcount.c, or gcc -mrecord-mcount: addresses of the entry nops
        SpecialSection{"__mcount_loc",            fixed(8),            at(0), one_long,          derived, no_key,     alone,    kept,     sorted,    never,      not_taken, field,      ftrace_sites},
        // include/asm-generic/kprobes.h:NOKPROBE_SYMBOL: the address of a function
        SpecialSection{"_kprobe_blacklist",       fixed(8),            at(0), one_long,          derived, no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
    };
    // clang-format on
    return table;
}

}  // namespace klp::arch::s390x
