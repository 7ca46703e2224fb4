// SPDX-License-Identifier: GPL-2.0-or-later
// The special sections of arm64.
#include "arch/arm64/arm64.hpp"

#include <array>

namespace klp::arch::arm64 {

std::span<const SpecialSection> special_sections() noexcept {
    using namespace cells;
    static constexpr EntryLayout alternatives[] = {
        {.bytes = 12, .fields = "rr.", .replacement = {.start = 4, .length = 11}}};
    // arch/arm64/include/asm/extable.h: struct exception_table_entry { int insn, fixup; short type, data; }, which came
    // with 5.16
    static constexpr EntryLayout exception_entries[] = {{.bytes = 8, .fields = "rr"}, {.bytes = 12, .fields = "rr."}};
    // clang-format off
    static constexpr std::array table = {
        //             name                            entry                owner  layouts            origin   key         companion code      table      sealed      .klp.arch  counts from lists
        // arch/arm64/include/asm/alternative.h: struct alt_instr { s32 orig_offset, alt_offset; u16 cpucap; u8 orig_len, alt_len; }
        SpecialSection{".altinstructions",             fixed(12),           at(0), alternatives,      source,  no_key,     alone,    replaced, constant,  never,      not_taken, field,      other_places},
        // arch/arm64/include/asm/extable.h: struct exception_table_entry { int insn, fixup; short type, data; }
        SpecialSection{"__ex_table",                   exception_entry(12), at(0), exception_entries, source,  no_key,     alone,    kept,     sorted,    never,      not_taken, field,      other_places},
        // arch/arm64/include/asm/asm-bug.h: bug_addr_disp, file_disp, line, flags; file and line with CONFIG_DEBUG_BUGVERBOSE
        SpecialSection{"__bug_table",                  bug_entry,           at(0), bug_entries,       source,  no_key,     alone,    kept,     changing,  never,      not_taken, field,      other_places},
        // include/linux/jump_label.h: struct jump_entry { s32 code, target; long key; }
        SpecialSection{"__jump_table",                 jump_entry,          at(0), jump_entries,      source,  static_key, alone,    kept,     sorted,    after_init, not_taken, field,      other_places},
        // clang -fsanitize=kcfi: `.long trap - .`
        SpecialSection{".kcfi_traps",                  fixed(4),            at(0), one_word,          source,  no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
        // gcc -fpatchable-function-entry: addresses of the nops
        SpecialSection{"__patchable_function_entries", fixed(8),            at(0), one_long,          derived, no_key,     alone,    kept,     sorted,    never,      not_taken, field,      ftrace_sites},
        // include/asm-generic/kprobes.h:NOKPROBE_SYMBOL: the address of a function
        SpecialSection{"_kprobe_blacklist",            fixed(8),            at(0), one_long,          derived, no_key,     alone,    kept,     constant,  never,      not_taken, field,      other_places},
    };
    // clang-format on
    return table;
}

}  // namespace klp::arch::arm64
