// SPDX-License-Identifier: GPL-2.0-or-later
// As much of an ELF program as decides whether it can be started: its machine and its segments.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"

namespace klp::guest {

inline constexpr std::uint32_t segment_interpreter = 3;  // PT_INTERP
inline constexpr std::uint32_t segment_notes = 4;        // PT_NOTE

struct ProgramHeader {
    std::uint32_t type = 0;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;  // in the file
};

struct ElfHeader {
    ByteOrder order = ByteOrder::little;
    std::uint16_t machine = 0;
    std::vector<ProgramHeader> segments;
};

// Error: not a 64-bit ELF file, or a truncated one.
[[nodiscard]] ElfHeader read_elf_header(Bytes file, const Location& where);

// Whether QEMU can start this vmlinux directly: it has the note XEN_ELFNOTE_PHYS32_ENTRY, which is also PVH's
// (kernel arch/x86/platform/pvh/head.S; include/xen/interface/elfnote.h).
[[nodiscard]] bool has_pvh_entry(Bytes vmlinux, const Location& where);

}  // namespace klp::guest
