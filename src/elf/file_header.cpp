// SPDX-License-Identifier: GPL-2.0-or-later
#include "elf/file_header.hpp"

#include <elf.h>
#include <fmt/format.h>

#include "elf/sizes.hpp"

namespace klp::elf {

namespace {

// Of the null section's header, where counts are that do not fit (gABI, "ELF Header").
constexpr std::uint64_t section_info_field = 44;

struct ProgramHeaders {
    std::uint64_t offset = 0;
    std::uint16_t entry_size = 0;
    std::uint32_t count = 0;
};

FileHeader read_identification(Bytes file, const Location& where) {
    Cursor in(file, ByteOrder::little, where);
    if (!as_text(file).starts_with(std::string_view(ELFMAG, SELFMAG))) in.fail("is not an ELF file");
    in.skip(SELFMAG);
    if (const auto size_class = in.u8(); size_class != ELFCLASS64)
        in.fail(fmt::format("ELF class is {}, expected {} (64-bit)", size_class, ELFCLASS64));
    const std::uint8_t data = in.u8();
    if (data != ELFDATA2LSB && data != ELFDATA2MSB) in.fail(fmt::format("ELF byte order is {}, expected 1 or 2", data));
    if (const auto version = in.u8(); version != EV_CURRENT)
        in.fail(fmt::format("ELF version is {}, expected 1", version));
    FileHeader header;
    header.order = data == ELFDATA2LSB ? ByteOrder::little : ByteOrder::big;
    header.os_abi = in.u8();
    header.abi_version = in.u8();
    return header;
}

std::vector<Segment> read_segments(Cursor in, const ProgramHeaders& table) {
    if (table.count == 0) return {};
    if (table.entry_size != program_header_size)
        in.fail(fmt::format("program header size is {}, expected {}", table.entry_size, program_header_size));
    in.seek(table.offset);
    if (in.remaining() / program_header_size < table.count)
        in.fail(fmt::format("{} program headers, but the file has room for {}", table.count,
                            in.remaining() / program_header_size));
    std::vector<Segment> segments(table.count);
    for (Segment& segment : segments) {
        segment.type = in.u32();
        segment.flags = in.u32();
        segment.offset = in.u64();
        segment.address = in.u64();
        segment.physical_address = in.u64();
        segment.file_size = in.u64();
        segment.memory_size = in.u64();
        segment.alignment = in.u64();
    }
    return segments;
}

}  // namespace

FileHeader read_file_header(Bytes file, const std::string& display_name) {
    const Location where{display_name, {}, {}};
    FileHeader header = read_identification(file, where);
    const Cursor start(file, header.order, where);
    Cursor in = start;
    in.seek(EI_NIDENT);
    header.file_type = in.u16();
    header.machine = in.u16();
    in.skip(4);  // e_version
    header.entry = in.u64();
    ProgramHeaders program_headers;
    program_headers.offset = in.u64();
    header.section_headers = in.u64();
    header.flags = in.u32();
    if (const auto size = in.u16(); size != file_header_size)
        in.fail(fmt::format("ELF header size is {}, expected {}", size, file_header_size));
    program_headers.entry_size = in.u16();
    program_headers.count = in.u16();
    const std::uint16_t section_entry_size = in.u16();
    header.section_count = in.u16();
    header.section_name_index = in.u16();
    if (header.section_headers == 0) {
        if (header.section_count != 0)
            in.fail(fmt::format("{} sections, but no section headers", header.section_count));
        if (program_headers.count == PN_XNUM) in.fail("more program headers than fit, but no section headers");
    } else if (section_entry_size != section_header_size) {
        in.fail(fmt::format("section header size is {}, expected {}", section_entry_size, section_header_size));
    }
    if (program_headers.count == PN_XNUM) {
        in.seek(header.section_headers);
        in.skip(section_info_field);
        program_headers.count = in.u32();
    }
    header.segments = read_segments(start, program_headers);
    return header;
}

Bytes segment_content(Bytes file, const Segment& segment, const std::string& display_name) {
    return slice(file, segment.offset, segment.file_size, {display_name, {}, {}});
}

}  // namespace klp::elf
