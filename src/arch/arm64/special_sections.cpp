// SPDX-License-Identifier: GPL-2.0-or-later
// The special sections of arm64.
#include "arch/arm64/arm64.hpp"

#include <array>

namespace klp::arch::arm64 {

std::span<const SpecialSection> special_sections() noexcept {
    using namespace cells;
    constexpr EntrySize bug_entry = probed("sizeof(struct bug_entry)", "linux/bug.h");
    constexpr Ignored line_of_bug{{8, 10}, 12};
    // clang-format off
    static constexpr std::array table = {
        //             name                            entry      owner  ignored      origin   key            companion code      table      sealed      .klp.arch  counts from lists
        // arch/arm64/include/asm/alternative.h: struct alt_instr { s32 orig_offset, alt_offset; u16 cpucap; u8 orig_len, alt_len; }
        SpecialSection{".altinstructions",             fixed(12), at(0), none,        source,  no_key,        alone,    replaced, constant,  never,      not_taken, field,      other_places},
        // arch/arm64/include/asm/extable.h: struct exception_table_entry { int insn, fixup; short type, data; }
        SpecialSection{"__ex_table",                   fixed(12), at(0), none,        source,  no_key,        alone,    kept,     sorted,    never,      not_taken, field,      other_places},
        // arch/arm64/include/asm/asm-bug.h: bug_addr_disp, file_disp, line, flags; file and line with CONFIG_DEBUG_BUGVERBOSE
        SpecialSection{"__bug_table",                  bug_entry, at(0), line_of_bug, source,  no_key,        alone,    kept,     changing,  never,      not_taken, field,      other_places},
        // include/linux/jump_label.h: struct jump_entry { s32 code, target; long key; }
        SpecialSection{"__jump_table",                 fixed(16), at(0), none,        source,  static_key(8), alone,    kept,     sorted,    after_init, not_taken, field,      other_places},
        // clang -fsanitize=kcfi: `.long trap - .`
        SpecialSection{".kcfi_traps",                  fixed(4),  at(0), none,        source,  no_key,        alone,    kept,     constant,  never,      not_taken, field,      other_places},
        // gcc -fpatchable-function-entry: addresses of the nops
        SpecialSection{"__patchable_function_entries", fixed(8),  at(0), none,        derived, no_key,        alone,    kept,     sorted,    never,      not_taken, field,      ftrace_sites},
    };
    // clang-format on
    return table;
}

}  // namespace klp::arch::arm64
