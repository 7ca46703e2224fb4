// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/module_file.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>

#include "base/kernel_names.hpp"
#include "base/text.hpp"

namespace klp::loader {

ModuleFile::ModuleFile(const fs::path& path, ByteOrder order)
    : display_name_(path.string()), order_(order), file_(path), bytes_(file_.bytes()) {
    const std::string_view magic(ELFMAG, SELFMAG);
    // The rest of e_ident counts for the kernel where the architecture says so (elf_check_arch()).
    if (bytes_.size() <= EI_CLASS || as_text(bytes_.first(SELFMAG)) != magic)
        throw Error({display_name_, {}, {}}, "not a 64-bit ELF file");
    header_.elf_class = std::to_integer<std::uint8_t>(bytes_[EI_CLASS]);
    if (bytes_.size() >= sizeof(Elf64_Ehdr)) read_header();
}

void ModuleFile::read_header() {
    Cursor in(bytes_, order_, {display_name_, {}, {}});
    in.seek(EI_NIDENT);
    header_.type = in.u16();
    header_.machine = in.u16();
    in.skip(4 + 8 + 8);  // e_version, e_entry, e_phoff
    header_.section_headers = in.u64();
    header_.flags = in.u32();
    in.skip(2 + 2 + 2);  // e_ehsize, e_phentsize, e_phnum
    header_.section_header_size = in.u16();
    header_.section_count = in.u16();
    header_.section_names = in.u16();
}

void ModuleFile::read_sections() {
    Cursor in(bytes_, order_, {display_name_, {}, {}});
    in.seek(header_.section_headers);
    sections_.clear();
    for (unsigned i = 0; i < header_.section_count; ++i) {
        SectionHeader section;
        section.name = in.u32();
        section.type = in.u32();
        section.flags = in.u64();
        section.address = in.u64();
        section.offset = in.u64();
        section.size = in.u64();
        section.link = in.u32();
        section.info = in.u32();
        section.alignment = in.u64();
        in.skip(8);  // sh_entsize, which the loader overwrites
        sections_.push_back(section);
    }
}

Bytes ModuleFile::content(const SectionHeader& section) const {
    if (section.type == SHT_NOBITS) return {};
    return slice(bytes_, section.offset, section.size, {display_name_, {}, section.offset});
}

std::string_view ModuleFile::string_at(const SectionHeader& table, std::uint64_t offset) const {
    const std::string_view text = as_text(content(table));
    const auto name = offset < text.size() ? terminated_string(text.substr(offset)) : std::nullopt;
    if (!name) {
        throw Error({display_name_, {}, table.offset},
                    fmt::format("name at offset {} leads out of a string table of {} bytes", offset, text.size()));
    }
    return *name;
}

std::string_view ModuleFile::section_name(std::uint32_t index) const {
    return string_at(sections_.at(header_.section_names), sections_.at(index).name);
}

std::vector<SymbolEntry> ModuleFile::symbols(const SectionHeader& table) const {
    Cursor in(content(table), order_, {display_name_, ".symtab", {}});
    std::vector<SymbolEntry> symbols(in.remaining() / symbol_entry_size);
    for (SymbolEntry& symbol : symbols) {
        symbol.name = in.u32();
        symbol.info = in.u8();
        symbol.other = in.u8();
        symbol.section_index = in.u16();
        symbol.value = in.u64();
        symbol.size = in.u64();
    }
    return symbols;
}

Bytes ModuleFile::in_form(std::uint32_t symbols, std::vector<std::byte>& room) const {
    Bytes bytes = bytes_;
    const auto put = [&](std::uint64_t at, auto value) {
        if (load<decltype(value)>(bytes.subspan(at), order_) == value) return;
        if (room.empty()) room.assign(bytes_.begin(), bytes_.end());
        store(MutableBytes(room).subspan(at), value, order_);
        bytes = room;
    };
    const bool is_big = order_ == ByteOrder::big;
    put(EI_CLASS, std::uint8_t{ELFCLASS64});
    put(EI_DATA, is_big ? std::uint8_t{ELFDATA2MSB} : std::uint8_t{ELFDATA2LSB});
    put(EI_VERSION, std::uint8_t{EV_CURRENT});
    put(offsetof(Elf64_Ehdr, e_version), std::uint32_t{EV_CURRENT});
    put(offsetof(Elf64_Ehdr, e_ehsize), std::uint16_t{sizeof(Elf64_Ehdr)});
    for (std::size_t i = 0; i < sections_.size(); ++i) {
        const SectionHeader& section = sections_[i];
        const std::uint64_t at = header_.section_headers + i * section_header_size;
        if (section.alignment != 0 && !std::has_single_bit(section.alignment))
            put(at + offsetof(Elf64_Shdr, sh_addralign), std::uint64_t{1});
        if (section.type == SHT_RELA) put(at + offsetof(Elf64_Shdr, sh_link), symbols);
        if (section.type != SHT_RELA && section.type != SHT_SYMTAB) continue;
        put(at + offsetof(Elf64_Shdr, sh_entsize), std::uint64_t{symbol_entry_size});
        put(at + offsetof(Elf64_Shdr, sh_size), section.size - section.size % symbol_entry_size);
    }
    return bytes;
}

std::optional<std::string_view> ModuleFile::modinfo(std::uint32_t section, std::string_view tag) const {
    const auto values = modinfo_values(section, tag);
    return values.empty() ? std::nullopt : std::optional(values.front());
}

std::vector<std::string_view> ModuleFile::modinfo_values(std::uint32_t section, std::string_view tag) const {
    if (section == 0) return {};
    // next_string() counts where entries begin; the last one goes on to a NUL, wherever that is.
    const SectionHeader& header = sections_.at(section);
    const Bytes listed = content(header);
    if (listed.empty()) return {};
    const std::string_view rest = as_text(bytes_.subspan(header.offset));
    const std::size_t end = rest.find('\0', listed.size() - 1);
    return klp::modinfo_values(rest.substr(0, std::min(end, rest.size())), tag);
}

}  // namespace klp::loader
