// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/elf_header.hpp"

#include <algorithm>

namespace klp::guest {

namespace {

constexpr std::string_view magic =
    "\x7f"
    "ELF";
constexpr std::uint8_t class_64 = 2;        // ELFCLASS64
constexpr std::uint8_t data_big = 2;        // ELFDATA2MSB
constexpr std::size_t ident_size = 16;      // EI_NIDENT
constexpr std::uint32_t phys32_entry = 18;  // XEN_ELFNOTE_PHYS32_ENTRY

ByteOrder byte_order(Bytes file, const Location& where) {
    Cursor cursor(file, ByteOrder::little, where);
    if (!as_text(file).starts_with(magic)) cursor.fail("not an ELF file");
    cursor.skip(magic.size());
    if (cursor.u8() != class_64) cursor.fail("not a 64-bit ELF file");
    return cursor.u8() == data_big ? ByteOrder::big : ByteOrder::little;
}

ProgramHeader read_program_header(Cursor& cursor) {
    ProgramHeader header;
    header.type = cursor.u32();
    cursor.skip(4);  // p_flags
    header.offset = cursor.u64();
    cursor.skip(16);  // p_vaddr, p_paddr
    header.size = cursor.u64();
    return header;
}

std::uint64_t align_4(std::uint64_t value) {
    return (value + 3) & ~std::uint64_t{3};
}

bool has_pvh_note(Cursor notes) {
    constexpr std::uint64_t header_size = 12;
    while (notes.remaining() >= header_size) {
        const std::uint32_t name_size = notes.u32();
        const std::uint32_t content_size = notes.u32();
        const std::uint32_t type = notes.u32();
        const std::string_view name = as_text(notes.take(std::min(align_4(name_size), notes.remaining())));
        if (type == phys32_entry && name.starts_with("Xen")) return true;
        notes.skip(std::min(align_4(content_size), notes.remaining()));
    }
    return false;
}

}  // namespace

ElfHeader read_elf_header(Bytes file, const Location& where) {
    ElfHeader header;
    header.order = byte_order(file, where);
    Cursor cursor(file, header.order, where);
    cursor.skip(ident_size + 2);  // e_type
    header.machine = cursor.u16();
    cursor.skip(12);  // e_version, e_entry
    const std::uint64_t table = cursor.u64();
    cursor.skip(14);  // e_shoff, e_flags, e_ehsize
    const std::uint16_t entry_size = cursor.u16();
    const std::uint16_t count = cursor.u16();
    for (std::uint64_t i = 0; i < count; ++i) {
        cursor.seek(table + i * entry_size);
        header.segments.push_back(read_program_header(cursor));
    }
    return header;
}

bool has_pvh_entry(Bytes vmlinux, const Location& where) {
    const ElfHeader header = read_elf_header(vmlinux, where);
    return std::ranges::any_of(header.segments, [&](const ProgramHeader& segment) {
        return segment.type == segment_notes &&
               has_pvh_note({slice(vmlinux, segment.offset, segment.size, where), header.order, where});
    });
}

}  // namespace klp::guest
