// SPDX-License-Identifier: GPL-2.0-or-later
// The special sections of s390x.
#include "arch/s390x/s390x.hpp"

#include <array>

namespace klp::arch::s390x {

std::span<const SpecialSection> special_sections() noexcept {
    using namespace cells;
    constexpr EntrySize alt_instr = probed("sizeof(struct alt_instr)", "asm/alternative.h");
    constexpr EntrySize bug_entry = probed("sizeof(struct bug_entry)", "linux/bug.h");
    constexpr Ignored line_of_bug{{8, 10}, 12};
    // clang-format off
    static constexpr std::array table = {
        //             name                       entry      owner  ignored      origin   key            companion code      table      sealed      .klp.arch  counts from lists
        // arch/s390/include/asm/alternative.h: struct alt_instr { s32 instr_offset, repl_offset; u16 facility (later u32
        // feature); u8 instrlen; }, packed
        SpecialSection{".altinstructions",        alt_instr, at(0), none,        source,  no_key,        alone,    replaced, constant,  never,      not_taken, field,      other_places},
        // arch/s390/include/asm/extable.h: struct exception_table_entry { int insn, fixup; short type, data; }
        SpecialSection{"__ex_table",              fixed(12), at(0), none,        source,  no_key,        alone,    kept,     sorted,    never,      not_taken, field,      other_places},
        // arch/s390/include/asm/bug.h: bug_addr_disp, file_disp, line, flags; file and line with CONFIG_DEBUG_BUGVERBOSE, and
        // newer kernels have format_disp as well.
        SpecialSection{"__bug_table",             bug_entry, at(0), line_of_bug, source,  no_key,        alone,    kept,     changing,  never,      not_taken, field,      other_places},
        // include/linux/jump_label.h: struct jump_entry { s32 code, target; long key; }
        SpecialSection{"__jump_table",            fixed(16), at(0), none,        source,  static_key(8), alone,    kept,     sorted,    after_init, not_taken, field,      other_places},
        // gcc -mindirect-branch-table; asm/nospec-insn.h: `.long branch - .`
        SpecialSection{".s390_indirect_call",     fixed(4),  at(0), none,        source,  no_key,        alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{".s390_indirect_jump",     fixed(4),  at(0), none,        source,  no_key,        alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{".s390_indirect_branches", fixed(4),  at(0), none,        source,  no_key,        alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{".s390_return_mem",        fixed(4),  at(0), none,        source,  no_key,        alone,    kept,     constant,  never,      not_taken, field,      other_places},
        SpecialSection{".s390_return_reg",        fixed(4),  at(0), none,        source,  no_key,        alone,    kept,     constant,  never,      not_taken, field,      other_places},
        // scripts/recordmcount.c, or gcc -mrecord-mcount: addresses of the entry nops
        SpecialSection{"__mcount_loc",            fixed(8),  at(0), none,        derived, no_key,        alone,    kept,     sorted,    never,      not_taken, field,      ftrace_sites},
    };
    // clang-format on
    return table;
}

}  // namespace klp::arch::s390x
