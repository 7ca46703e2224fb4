// SPDX-License-Identifier: GPL-2.0-or-later
#include "elf/reader.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <bit>

#include "elf/sizes.hpp"

namespace klp::elf {

Cursor Reader::cursor(std::uint64_t offset) const {
    Cursor in(file_, object_.order_, {object_.display_name_, {}, {}});
    in.seek(offset);
    return in;
}

Location Reader::at(const Section& section) const { return {object_.display_name_, section.name, {}}; }

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
        throw Error(at(section), fmt::format("size 0x{:x} is not a multiple of the entry size {}", section.size(), entry_size));
}

void Reader::read() {
    read_identification();
    Tables tables = read_header();
    object_.null_symbol_ = std::make_unique<Symbol>();
    if (tables.offset == 0) return;
    extend_counts(tables);
    raw_.resize(tables.count);
    for (std::uint32_t index = 1; index < tables.count; ++index) read_section(tables, index);
    name_sections(tables);
    for (const auto& section : object_.sections_) link_section(*section);
    read_symbols();
    if (object_.file_type_ != ET_REL) return;
    for (const auto& section : object_.sections_) {
        if (section->is_rela() && section->target != nullptr) read_relocations(*section);
        if (section->type == SHT_GROUP) read_group(*section);
    }
}

void Reader::read_identification() {
    Cursor in = cursor(0);
    if (!as_text(file_).starts_with(std::string_view(ELFMAG, SELFMAG))) in.fail("is not an ELF file");
    in.skip(SELFMAG);
    if (const auto size_class = in.u8(); size_class != ELFCLASS64)
        in.fail(fmt::format("ELF class is {}, expected {} (64-bit)", size_class, ELFCLASS64));
    const std::uint8_t data = in.u8();
    if (data != ELFDATA2LSB && data != ELFDATA2MSB) in.fail(fmt::format("ELF byte order is {}, expected 1 or 2", data));
    object_.order_ = data == ELFDATA2LSB ? ByteOrder::little : ByteOrder::big;
    if (const auto version = in.u8(); version != EV_CURRENT) in.fail(fmt::format("ELF version is {}, expected 1", version));
    object_.os_abi_ = in.u8();
    object_.abi_version_ = in.u8();
}

Reader::Tables Reader::read_header() {
    Cursor in = cursor(EI_NIDENT);
    object_.file_type_ = in.u16();
    object_.machine_ = in.u16();
    in.skip(4);  // e_version
    object_.entry_ = in.u64();
    const std::uint64_t program_headers = in.u64();
    Tables tables;
    tables.offset = in.u64();
    object_.header_flags_ = in.u32();
    if (const auto size = in.u16(); size != file_header_size)
        in.fail(fmt::format("ELF header size is {}, expected {}", size, file_header_size));
    const std::uint16_t program_header_entry = in.u16();
    check_program_headers(program_headers, program_header_entry, in.u16());
    const std::uint16_t entry_size = in.u16();
    tables.count = in.u16();
    tables.names = in.u16();
    if (tables.offset == 0) {
        if (tables.count != 0) in.fail(fmt::format("{} sections, but no section headers", tables.count));
    } else if (entry_size != section_header_size) {
        in.fail(fmt::format("section header size is {}, expected {}", entry_size, section_header_size));
    }
    return tables;
}

void Reader::check_program_headers(std::uint64_t offset, std::uint16_t entry_size, std::uint16_t count) const {
    if (count == 0 || count == PN_XNUM) return;
    if (entry_size != program_header_size)
        cursor(0).fail(fmt::format("program header size is {}, expected {}", entry_size, program_header_size));
    (void)slice(file_, offset, count * program_header_size, {object_.display_name_, {}, {}});
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

namespace {

// The string at `offset` of a table that is known to end with a zero.
std::optional<std::string_view> string_at(Bytes table, std::uint32_t offset) {
    if (offset == 0 && table.empty()) return std::string_view();
    if (offset >= table.size()) return std::nullopt;
    return as_text(table.subspan(offset)).data();
}

}  // namespace

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

void Reader::link_section(Section& section) {
    const RawSection& fields = raw(section);
    if (fields.link != 0) section.link = &need_section(fields.link, at(section), "sh_link");
    switch (section.type) {
        case SHT_SYMTAB:
            if (object_.symbol_table_ != nullptr)
                throw Error(at(section), fmt::format("second symbol table, after '{}'", object_.symbol_table_->name));
            object_.symbol_table_ = &section;
            break;
        case SHT_GROUP: break;  // the signature symbol
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

void Reader::read_symbols() {
    Section* table = object_.symbol_table_;
    if (table == nullptr) return;
    check_entries(*table, symbol_size);
    if (table->link == nullptr || table->link->type != SHT_STRTAB)
        throw Error(at(*table), fmt::format("sh_link is section {}, expected a string table", raw(*table).link));
    object_.symbol_names_ = table->link;
    const Bytes names = table->link->content();
    if (!names.empty() && names.back() != std::byte{0}) throw Error(at(*table->link), "does not end with a zero byte");
    const std::uint64_t count = table->size() / symbol_size;
    if (raw(*table).info > count)
        throw Error(at(*table), fmt::format("{} local symbols (sh_info), but {} symbols", raw(*table).info, count));
    const Bytes extended_indices = find_extended_indices();
    Cursor in(table->content(), object_.order_, at(*table));
    object_.symbols_.reserve(count);
    if (count != 0) in.skip(symbol_size);
    for (std::uint32_t index = 1; index < count; ++index) read_symbol(in, names, extended_indices, index);
}

void Reader::read_symbol(Cursor& in, Bytes names, Bytes extended_indices, std::uint32_t index) {
    const Cursor start = in;
    Symbol& symbol = *object_.symbols_.emplace_back(std::make_unique<Symbol>());
    symbol.original_index = index;
    const std::uint32_t name = in.u32();
    const std::uint8_t info = in.u8();
    symbol.type = ELF64_ST_TYPE(info);
    symbol.binding = ELF64_ST_BIND(info);
    symbol.other = in.u8();
    const std::uint16_t section_index = in.u16();
    symbol.value = in.u64();
    symbol.size = in.u64();
    const auto text = string_at(names, name);
    if (!text)
        start.fail(fmt::format("name of symbol {} is at 0x{:x}, but the symbol names have 0x{:x} bytes", index, name,
                               names.size()));
    symbol.name = *text;
    place_symbol(symbol, section_index, extended_indices);
}

void Reader::place_symbol(Symbol& symbol, std::uint16_t section_index, Bytes extended_indices) const {
    std::uint32_t index = section_index;
    switch (section_index) {
        case SHN_UNDEF: return;
        case SHN_ABS: symbol.placement = Placement::absolute; return;
        case SHN_COMMON: symbol.placement = Placement::common; return;
        case shn_livepatch: symbol.placement = Placement::livepatch; return;
        case SHN_XINDEX:
            if (extended_indices.size() / word_size <= symbol.original_index)
                throw Error(at(*object_.symbol_table_, symbol.original_index * symbol_size),
                            fmt::format("symbol '{}' has an extended section index, but there is no table of them",
                                        symbol.name));
            index = load<std::uint32_t>(extended_indices.subspan(symbol.original_index * word_size), object_.order_);
            break;
        default:
            if (section_index < SHN_LORESERVE) break;
            symbol.placement = Placement::other;
            symbol.reserved_index = section_index;
            return;
    }
    symbol.placement = Placement::section;
    if (index == 0 || index >= raw_.size())
        throw Error(at(*object_.symbol_table_, symbol.original_index * symbol_size),
                    fmt::format("symbol '{}' is in section {}, expected 1 to {}", symbol.name, index, raw_.size() - 1));
    symbol.section = section_at(index);
}

Bytes Reader::find_extended_indices() const {
    for (const auto& section : object_.sections_)
        if (section->type == SHT_SYMTAB_SHNDX && section->link == object_.symbol_table_) return section->content();
    return {};
}

Symbol* Reader::symbol_at(std::uint32_t index, const Section& user, std::uint64_t offset) const {
    if (index == 0) return object_.null_symbol_.get();
    if (index > object_.symbols_.size())
        throw Error(at(user, offset),
                    fmt::format("symbol index is {}, expected at most {}", index, object_.symbols_.size()));
    return object_.symbols_[index - 1].get();
}

void Reader::read_relocations(Section& section) {
    if (section.link == nullptr || section.link != object_.symbol_table_)
        throw Error(at(section), fmt::format("sh_link is section {}, expected the symbol table", raw(section).link));
    check_entries(section, rela_size);
    Cursor in(section.content(), object_.order_, at(section));
    section.relocations.reserve(in.remaining() / rela_size);
    const std::uint64_t target_size = section.target->size();
    while (!in.at_end()) {
        const std::uint64_t position = in.position();
        Relocation relocation;
        relocation.offset = in.u64();
        const std::uint64_t info = in.u64();
        relocation.type = static_cast<std::uint32_t>(ELF64_R_TYPE(info));
        relocation.symbol = symbol_at(static_cast<std::uint32_t>(ELF64_R_SYM(info)), section, position);
        relocation.addend = in.i64();
        if (relocation.offset >= target_size)
            throw Error(at(section, position),
                        fmt::format("relocation at 0x{:x} is past the end of section '{}' (0x{:x} bytes)",
                                    relocation.offset, section.target->name, target_size));
        section.relocations.push_back(relocation);
    }
    section.view_ = {};
}

void Reader::read_group(Section& section) {
    if (section.link == nullptr || section.link != object_.symbol_table_)
        throw Error(at(section), fmt::format("sh_link is section {}, expected the symbol table", raw(section).link));
    check_entries(section, word_size);
    section.group_signature = symbol_at(raw(section).info, section, 0);
    Cursor in(section.content(), object_.order_, at(section));
    section.group_flags = in.u32();
    while (!in.at_end()) {
        const Location where = at(section, in.position());
        section.group_members.push_back(&need_section(in.u32(), where, "group member"));
    }
    section.view_ = {};
}

}  // namespace klp::elf
