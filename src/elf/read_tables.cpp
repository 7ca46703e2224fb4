// SPDX-License-Identifier: GPL-2.0-or-later
// Symbols, relocations and groups: what refers to sections and symbols by index.
#include <elf.h>
#include <fmt/format.h>

#include "elf/reader.hpp"
#include "elf/sizes.hpp"

namespace klp::elf {

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
    Cursor in(table->content(), object_.order(), at(*table));
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
        case SHN_UNDEF:
            return;
        case SHN_ABS:
            symbol.placement = Placement::absolute;
            return;
        case SHN_COMMON:
            symbol.placement = Placement::common;
            return;
        case shn_livepatch:
            symbol.placement = Placement::livepatch;
            return;
        case SHN_XINDEX:
            if (extended_indices.size() / word_size <= symbol.original_index)
                throw Error(at(*object_.symbol_table_, symbol.original_index * symbol_size),
                            fmt::format("symbol '{}' has an extended section index, but there is no table of them",
                                        symbol.name));
            index = load<std::uint32_t>(extended_indices.subspan(symbol.original_index * word_size), object_.order());
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
    copied(section.size());
    Cursor in(section.content(), object_.order(), at(section));
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
    // The assembler writes the relocations of jumps, which it relaxes last, behind all others.
    section.sort_relocations();
    section.view_ = {};
}

void Reader::read_group(Section& section) {
    if (section.link == nullptr || section.link != object_.symbol_table_)
        throw Error(at(section), fmt::format("sh_link is section {}, expected the symbol table", raw(section).link));
    check_entries(section, word_size);
    copied(section.size());
    section.group_signature = symbol_at(raw(section).info, section, 0);
    Cursor in(section.content(), object_.order(), at(section));
    section.group_flags = in.u32();
    while (!in.at_end()) {
        const Location where = at(section, in.position());
        section.group_members.push_back(&need_section(in.u32(), where, "group member"));
    }
    section.view_ = {};
}

}  // namespace klp::elf
