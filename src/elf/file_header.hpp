// SPDX-License-Identifier: GPL-2.0-or-later
// What the start of an ELF file says: machine, type, and the segments of a program, a kernel or a core.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace klp::elf {

struct Segment {
    std::uint32_t type = 0;              // PT_*
    std::uint32_t flags = 0;             // PF_*
    std::uint64_t offset = 0;            // in the file
    std::uint64_t address = 0;           // p_vaddr
    std::uint64_t physical_address = 0;  // p_paddr
    std::uint64_t file_size = 0;         // bytes
    std::uint64_t memory_size = 0;       // bytes
    std::uint64_t alignment = 0;

    bool operator==(const Segment&) const = default;
};

struct FileHeader {
    ByteOrder order = ByteOrder::little;
    std::uint8_t os_abi = 0;
    std::uint8_t abi_version = 0;
    std::uint16_t file_type = 0;  // ET_*
    std::uint16_t machine = 0;    // EM_*
    std::uint32_t flags = 0;      // e_flags
    std::uint64_t entry = 0;
    std::uint64_t section_headers = 0;     // offset; 0: none
    std::uint16_t section_count = 0;       // as it is: 0 and…
    std::uint16_t section_name_index = 0;  // …SHN_XINDEX where the null section's header has the number
    std::vector<Segment> segments;         // in file order
};

// Error: not a 64-bit ELF file, headers past the end or of another size. Where the content of a segment lies is not
// looked at: segment_content() does that.
[[nodiscard]] FileHeader read_file_header(Bytes file, const std::string& display_name);

// What the file has of a segment; the rest of memory_size is zero. Error: it reaches out of the file.
[[nodiscard]] Bytes segment_content(Bytes file, const Segment& segment, const std::string& display_name);

}  // namespace klp::elf
