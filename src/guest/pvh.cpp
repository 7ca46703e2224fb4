// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/pvh.hpp"

#include <elf.h>

#include <algorithm>

#include "base/align.hpp"
#include "elf/file_header.hpp"

namespace klp::guest {

namespace {

constexpr std::uint32_t phys32_entry = 18;  // XEN_ELFNOTE_PHYS32_ENTRY

bool has_pvh_note(Cursor notes) {
    constexpr std::uint64_t header_size = 12;
    while (notes.remaining() >= header_size) {
        const std::uint32_t name_size = notes.u32();
        const std::uint32_t content_size = notes.u32();
        const std::uint32_t type = notes.u32();
        const std::string_view name = as_text(notes.take(std::min(align_up(name_size, 4), notes.remaining())));
        if (type == phys32_entry && name.starts_with("Xen")) return true;
        notes.skip(std::min(align_up(content_size, 4), notes.remaining()));
    }
    return false;
}

}  // namespace

bool has_pvh_entry(Bytes vmlinux, const std::string& display_name) {
    const elf::FileHeader header = elf::read_file_header(vmlinux, display_name);
    return std::ranges::any_of(header.segments, [&](const elf::Segment& segment) {
        return segment.type == PT_NOTE &&
               has_pvh_note(
                   {elf::segment_content(vmlinux, segment, display_name), header.order, {display_name, {}, {}}});
    });
}

}  // namespace klp::guest
