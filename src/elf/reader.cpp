// SPDX-License-Identifier: GPL-2.0-or-later
#include "elf/reader.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "elf/sizes.hpp"

namespace klp::elf {

Cursor Reader::cursor(std::uint64_t offset) const {
    Cursor in(file_, object_.header_.order, {object_.display_name_, {}, {}});
    in.seek(offset);
    return in;
}

Location Reader::at(const Section& section) const {
    return {object_.display_name_, section.name, {}};
}

Location Reader::at(const Section& section, std::uint64_t offset) const {
    return {object_.display_name_, section.name, offset};
}

Section* Reader::section_at(std::uint32_t index) const {
    return index == 0 ? nullptr : object_.sections_[index - 1].get();
}

Section& Reader::need_section(std::uint32_t index, const Location& where, std::string_view what) const {
    if (index == 0 || index >= raw_.size())
        throw Error(where, fmt::format("{} is section {}, expected 1 to {}", what, index, raw_.size() - 1));
    return *section_at(index);
}

void Reader::check_entries(const Section& section, std::uint64_t entry_size) const {
    if (section.entry_size != entry_size)
        throw Error(at(section), fmt::format("entry size is {}, expected {}", section.entry_size, entry_size));
    if (section.size() % entry_size != 0)
        throw Error(at(section),
                    fmt::format("size 0x{:x} is not a multiple of the entry size {}", section.size(), entry_size));
}

void Reader::read() {
    object_.header_ = read_file_header(file_, object_.display_name_);
    object_.null_symbol_ = std::make_unique<Symbol>();
    Tables tables{object_.header_.section_headers, object_.header_.section_count, object_.header_.section_name_index};
    if (tables.offset == 0) return;
    extend_counts(tables);
    raw_.resize(tables.count);
    for (std::uint32_t index = 1; index < tables.count; ++index) read_section(tables, index);
    name_sections(tables);
    for (const auto& section : object_.sections_) link_section(*section);
    read_symbols();
    if (object_.header_.file_type != ET_REL) return;
    check_overlaps();
    for (const auto& section : object_.sections_) {
        if (section->is_rela() && section->target != nullptr) read_relocations(*section);
        if (section->type == SHT_GROUP) read_group(*section);
    }
}

void Reader::extend_counts(Tables& tables) const {
    Cursor null_section = cursor(tables.offset);
    null_section.skip(32);
    const std::uint64_t size = null_section.u64();
    const std::uint32_t link = null_section.u32();
    if (tables.count == 0) tables.count = size;
    if (tables.names == SHN_XINDEX) tables.names = link;
    // Comparing by division, since the product can overflow.
    const std::uint64_t fit = (file_.size() - tables.offset) / section_header_size;
    if (tables.count == 0 || tables.count > fit)
        cursor(tables.offset).fail(fmt::format("{} section headers, but the file has room for {}", tables.count, fit));
    if (tables.names >= tables.count)
        cursor(tables.offset)
            .fail(fmt::format("section names are in section {}, but there are {}", tables.names, tables.count));
}

void Reader::read_section(const Tables& tables, std::uint32_t index) {
    Cursor in = cursor(tables.offset + index * section_header_size);
    const Cursor header = in;
    Section& section = *object_.sections_.emplace_back(std::make_unique<Section>());
    RawSection& raw = raw_[index];
    section.original_index = index;
    raw.name = in.u32();
    section.type = in.u32();
    section.flags = in.u64();
    section.address = in.u64();
    section.original_offset = in.u64();
    raw.size = in.u64();
    raw.link = in.u32();
    raw.info = in.u32();
    section.alignment = in.u64();
    section.entry_size = in.u64();
    if (section.alignment != 0 && !std::has_single_bit(section.alignment))
        header.fail(fmt::format("alignment of section {} is {}, expected a power of two", index, section.alignment));
    if (section.type == SHT_NOBITS) {
        section.nobits_size_ = raw.size;
    } else if (section.type != SHT_NULL) {
        if (section.original_offset > file_.size() || raw.size > file_.size() - section.original_offset)
            header.fail(fmt::format("section {} reaches from 0x{:x} over 0x{:x} bytes, but the file has 0x{:x}", index,
                                    section.original_offset, raw.size, file_.size()));
        section.view_ = file_.subspan(section.original_offset, raw.size);
    }
}

std::optional<std::string_view> Reader::string_at(Bytes table, std::uint32_t offset) {
    if (offset == 0 && table.empty()) return std::string_view();
    if (offset >= table.size()) return std::nullopt;
    const std::string_view text = as_text(table.subspan(offset)).data();
    copied(text.size());
    return text;
}

void Reader::copied(std::uint64_t size) {
    constexpr std::uint64_t most = 16;
    copied_ += size;
    if (copied_ / most > file_.size())
        throw Error(
            {object_.display_name_, {}, {}},
            fmt::format("names and tables overlap: together they are over {} times as large as the file", most));
}

void Reader::name_sections(const Tables& tables) {
    object_.section_names_ = section_at(tables.names);
    if (object_.section_names_ == nullptr) return;
    const Bytes names = object_.section_names_->content();
    if (object_.section_names_->type != SHT_STRTAB || (!names.empty() && names.back() != std::byte{0}))
        cursor(tables.offset + tables.names * section_header_size)
            .fail(fmt::format("section {} with the section names is not a string table", tables.names));
    for (const auto& section : object_.sections_) {
        const auto name = string_at(names, raw(*section).name);
        if (!name)
            cursor(tables.offset + section->original_index * section_header_size)
                .fail(fmt::format("name of section {} is at 0x{:x}, but the section names have 0x{:x} bytes",
                                  section->original_index, raw(*section).name, names.size()));
        section->name = *name;
    }
}

// gABI, "Sections": no byte resides in more than one. Who edits one of two that share bytes edits the other, or not.
void Reader::check_overlaps() const {
    std::vector<const Section*> sections;
    for (const auto& section : object_.sections_) {
        if (!section->content().empty()) sections.push_back(section.get());
    }
    std::ranges::stable_sort(sections, {}, &Section::original_offset);
    for (std::size_t i = 1; i < sections.size(); ++i) {
        const Section& before = *sections[i - 1];
        const std::uint64_t end = before.original_offset + before.content().size();
        if (sections[i]->original_offset >= end) continue;
        throw Error(at(*sections[i]), fmt::format("begins at 0x{:x} in the file, but section '{}' reaches to 0x{:x}",
                                                  sections[i]->original_offset, before.name, end));
    }
}

void Reader::link_section(Section& section) {
    const RawSection& fields = raw(section);
    if (fields.link != 0) section.link = &need_section(fields.link, at(section), "sh_link");
    switch (section.type) {
        case SHT_SYMTAB:
            if (object_.symbol_table_ != nullptr)
                throw Error(at(section), fmt::format("second symbol table, after '{}'", object_.symbol_table_->name));
            object_.symbol_table_ = &section;
            section.info = fields.info;  // the writer makes its own
            break;
        case SHT_GROUP:
            break;  // the signature symbol
        case SHT_REL:
            if (section.size() != 0) throw Error(at(section), "has REL relocations, expected RELA");
            [[fallthrough]];
        default:
            if (section.is_rela() || (section.flags & SHF_INFO_LINK) != 0) {
                if (fields.info != 0) section.target = &need_section(fields.info, at(section), "sh_info");
            } else {
                section.info = fields.info;
            }
    }
    if (section.is_rela() && section.target != nullptr && (section.flags & shf_rela_livepatch) == 0 &&
        section.target->relocations_section == nullptr)
        section.target->relocations_section = &section;
}

}  // namespace klp::elf
