// SPDX-License-Identifier: GPL-2.0-or-later
// Where ftrace can hook functions: tables of addresses, in sections of objects and modules (those that SpecialSection::
// lists marks), and in the image between two symbols (kernel/trace/ftrace.c:ftrace_process_locs()).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace klp::elf {
class Object;
struct Symbol;
}  // namespace klp::elf

namespace klp::arch {

class Arch;

struct FtraceSites {
    std::string_view section;            // FTRACE_CALLSITE_SECTION: the table that the kernel reads of a module
    std::uint64_t before_function = 0;   // bytes from the listed address to the function's, where there is room for a
                                         // pointer (ftrace_call_adjust())
    std::uint64_t size = 0;              // bytes from the listed address on that belong to ftrace
    std::uint64_t instruction_size = 0;  // MCOUNT_INSN_SIZE
    std::uint64_t record_size = 16;      // sizeof(struct dyn_ftrace), where the kernel's headers do not tell
};

inline constexpr std::uint64_t ftrace_entry_size = 8;  // an address
inline constexpr std::string_view ftrace_table_begin = "__start_mcount_loc";
inline constexpr std::string_view ftrace_table_end = "__stop_mcount_loc";

// The addresses of a table, in its order, without the zeros that padding and overridden weak functions leave. What is
// no whole entry is left out.
[[nodiscard]] std::vector<std::uint64_t> read_ftrace_table(Bytes table, ByteOrder order);

// Arch::is_traceable() for an object as it was compiled. The kernel's recordmcount does not know the sections of
// -ffunction-sections (scripts/recordmcount.c before 4.19), nor was it run where the compiler alone made the object:
// the function lies in .text of the running kernel, and its entry has the call that is listed there.
[[nodiscard]] bool is_traceable_unit(const Arch& arch, const elf::Object& unit, const elf::Symbol& function);

// Whether the object has a table of sites.
[[nodiscard]] bool lists_ftrace_sites(const Arch& arch, const elf::Object& object);

}  // namespace klp::arch
