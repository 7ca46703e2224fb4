// SPDX-License-Identifier: GPL-2.0-or-later
#include "elf/writer.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/align.hpp"
#include "elf/sizes.hpp"

namespace klp::elf {

namespace {

// Relocatable files are not mapped, so that larger alignments matter in memory only.
constexpr std::uint64_t largest_file_alignment = 4096;

std::string description(const Symbol& symbol) {
    if (symbol.is_section_symbol() && symbol.section != nullptr)
        return fmt::format("the symbol of section '{}'", symbol.section->name);
    return fmt::format("symbol '{}'", symbol.name);
}

}  // namespace

std::vector<std::byte> Writer::write() {
    if (is_unedited()) return {object_.file_.begin(), object_.file_.end()};
    if (object_.file_type() != ET_REL)
        throw Error(
            {object_.display_name_, {}, {}},
            fmt::format("file type is {}: only relocatable files can be written after edits", object_.file_type()));
    if (!object_.segments().empty())
        throw Error({object_.display_name_, {}, {}},
                    "a relocatable file with program headers, which edits would invalidate");
    number_symbols();
    number_sections();
    make_contents();
    Sink out(object_.order());
    out.pad_to(file_header_size);  // filled in below
    std::vector<std::uint64_t> offsets;
    for (const Section* section : sections_) {
        out.pad_to(align_up(out.size(), std::min(section->alignment, largest_file_alignment)));
        offsets.push_back(out.size());
        out.bytes(content_of(*section));
    }
    out.pad_to(align_up(out.size(), alignof(std::uint64_t)));
    Sink header(object_.order());
    put_file_header(header, out.size());
    put_null_section_header(out);
    for (std::size_t i = 0; i < sections_.size(); ++i) put_section_header(out, *sections_[i], offsets[i]);
    std::vector<std::byte> bytes = out.take();
    const std::vector<std::byte> start = header.take();
    std::copy(start.begin(), start.end(), bytes.begin());
    return bytes;
}

void Writer::fail(const Section& section, std::string message) const {
    throw Error({object_.display_name_, section.name, {}}, std::move(message));
}

std::uint32_t Writer::index_of(const Section& user, const Section* section, std::string_view what) const {
    const auto found = section_indices_.find(section);
    // Removed sections are kept in memory by the object, so that their names can be told.
    if (found == section_indices_.end())
        fail(user, fmt::format("{} is section '{}', which was removed", what, section->name));
    return found->second;
}

std::uint32_t Writer::index_of(const Section& user, const Symbol* symbol) const {
    if (symbol == nullptr || symbol == object_.null_symbol()) return 0;
    const auto found = symbol_indices_.find(symbol);
    if (found == symbol_indices_.end())
        fail(user, fmt::format("refers to {}, which was removed", description(*symbol)));
    return found->second;
}

void Writer::number_symbols() {
    for (const bool local : {true, false}) {
        for (const auto& symbol : object_.symbols())
            if (symbol->is_local() == local) symbols_.push_back(symbol.get());
        if (local) local_symbols_ = static_cast<std::uint32_t>(symbols_.size()) + 1;
    }
    for (std::uint32_t i = 0; i < symbols_.size(); ++i) symbol_indices_.emplace(symbols_[i], i + 1);
}

const Section* Writer::special(const Section* existing, std::string name, std::uint32_t type) {
    if (existing != nullptr) return existing;
    Section& section = *made_.emplace_back(std::make_unique<Section>());
    section.name = std::move(name);
    section.type = type;
    section.alignment = type == SHT_SYMTAB ? alignof(std::uint64_t) : type == SHT_SYMTAB_SHNDX ? word_size : 1;
    return &section;
}

void Writer::number_sections() {
    for (const auto& section : object_.sections()) {
        sections_.push_back(section.get());
        if (section->type == SHT_SYMTAB_SHNDX) extended_indices_ = section.get();
    }
    for (std::uint32_t i = 0; i < sections_.size(); ++i) section_indices_.emplace(sections_[i], i + 1);
    symbol_table_ = special(object_.symbol_table_, ".symtab", SHT_SYMTAB);
    if (needs_extended_indices()) extended_indices_ = special(extended_indices_, ".symtab_shndx", SHT_SYMTAB_SHNDX);
    symbol_names_ = special(object_.symbol_names_, ".strtab", SHT_STRTAB);
    section_names_ = special(object_.section_names_, ".shstrtab", SHT_STRTAB);
    for (const auto& section : made_) {
        sections_.push_back(section.get());
        section_indices_.emplace(section.get(), static_cast<std::uint32_t>(sections_.size()));
    }
}

bool Writer::needs_extended_indices() const {
    return std::any_of(symbols_.begin(), symbols_.end(), [this](const Symbol* symbol) {
        return symbol->placement == Placement::section && section_index(*symbol) >= SHN_LORESERVE;
    });
}

std::uint32_t Writer::section_index(const Symbol& symbol) const {
    const auto found = section_indices_.find(symbol.section);
    if (found == section_indices_.end())
        throw Error({object_.display_name_, {}, {}},
                    fmt::format("symbol '{}' is in section '{}', which was removed", symbol.name,
                                symbol.section == nullptr ? "" : symbol.section->name));
    return found->second;
}

void Writer::make_contents() {
    if (symbol_names_ == section_names_) symbol_strings_ = &own_section_names_;
    make_symbols();
    make_names();
    for (const Section* section : sections_) {
        if (section->is_rela() && section->target != nullptr) contents_[section] = make_relocations(*section);
        if (section->type == SHT_GROUP) contents_[section] = make_group(*section);
    }
}

void Writer::make_names() {
    for (const Section* section : sections_) name_offsets_.push_back(own_section_names_.add(section->name));
    const auto copy = [](Bytes bytes) { return std::vector<std::byte>(bytes.begin(), bytes.end()); };
    contents_[symbol_names_] = copy(symbol_strings_->bytes());
    contents_[section_names_] = copy(own_section_names_.bytes());
}

void Writer::make_symbols() {
    Sink table(object_.order());
    Sink extended(object_.order());
    table.pad_to(symbol_size);
    extended.pad_to(word_size);
    for (const Symbol* symbol : symbols_) {
        std::uint32_t index = 0;
        std::uint32_t extended_index = 0;
        switch (symbol->placement) {
            case Placement::undefined:
                index = SHN_UNDEF;
                break;
            case Placement::section:
                index = section_index(*symbol);
                break;
            case Placement::absolute:
                index = SHN_ABS;
                break;
            case Placement::common:
                index = SHN_COMMON;
                break;
            case Placement::livepatch:
                index = shn_livepatch;
                break;
            case Placement::other:
                index = symbol->reserved_index;
                break;
        }
        if (symbol->placement == Placement::section && index >= SHN_LORESERVE) {
            extended_index = index;
            index = SHN_XINDEX;
        }
        table.u32(symbol_strings_->add(symbol->name));
        table.u8(static_cast<std::uint8_t>(ELF64_ST_INFO(symbol->binding, symbol->type)));
        table.u8(symbol->other);
        table.u16(static_cast<std::uint16_t>(index));
        table.u64(symbol->value);
        table.u64(symbol->size);
        extended.u32(extended_index);
    }
    contents_[symbol_table_] = table.take();
    if (extended_indices_ != nullptr) contents_[extended_indices_] = extended.take();
}

std::vector<std::byte> Writer::make_relocations(const Section& section) const {
    Sink out(object_.order());
    const std::uint64_t target_size = section.target->size();
    for (const Relocation& relocation : section.relocations) {
        if (relocation.offset >= target_size)
            fail(section, fmt::format("relocation at 0x{:x} is past the end of section '{}' (0x{:x} bytes)",
                                      relocation.offset, section.target->name, target_size));
        out.u64(relocation.offset);
        out.u64(ELF64_R_INFO(static_cast<std::uint64_t>(index_of(section, relocation.symbol)), relocation.type));
        out.u64(static_cast<std::uint64_t>(relocation.addend));
    }
    return out.take();
}

std::vector<std::byte> Writer::make_group(const Section& section) const {
    Sink out(object_.order());
    out.u32(section.group_flags);
    for (const Section* member : section.group_members) out.u32(index_of(section, member, "group member"));
    return out.take();
}

Bytes Writer::content_of(const Section& section) const {
    const auto made = contents_.find(&section);
    return made == contents_.end() ? section.content() : Bytes(made->second);
}

std::uint64_t Writer::size_of(const Section& section) const {
    return section.is_nobits() ? section.size() : content_of(section).size();
}

std::uint32_t Writer::link_of(const Section& section) const {
    const bool uses_symbols =
        (section.is_rela() && section.target != nullptr) || section.type == SHT_GROUP || &section == extended_indices_;
    if (uses_symbols) return section_indices_.at(symbol_table_);
    if (&section == symbol_table_) return section_indices_.at(symbol_names_);
    return section.link == nullptr ? 0 : index_of(section, section.link, "sh_link");
}

std::uint32_t Writer::info_of(const Section& section) const {
    if (&section == symbol_table_) return local_symbols_;
    if (section.type == SHT_GROUP) return index_of(section, section.group_signature);
    return section.target == nullptr ? section.info : index_of(section, section.target, "sh_info");
}

void Writer::put_file_header(Sink& out, std::uint64_t section_headers) const {
    const std::uint64_t count = sections_.size() + 1;
    const std::uint32_t names = section_indices_.at(section_names_);
    out.bytes(as_bytes(std::string_view(ELFMAG, SELFMAG)));
    out.u8(ELFCLASS64);
    out.u8(object_.order() == ByteOrder::little ? ELFDATA2LSB : ELFDATA2MSB);
    out.u8(EV_CURRENT);
    out.u8(object_.header_.os_abi);
    out.u8(object_.header_.abi_version);
    out.pad_to(EI_NIDENT);
    out.u16(object_.file_type());
    out.u16(object_.machine());
    out.u32(EV_CURRENT);
    out.u64(object_.entry());
    out.u64(0);  // program headers
    out.u64(section_headers);
    out.u32(object_.header_flags());
    out.u16(file_header_size);
    out.u16(0);
    out.u16(0);
    out.u16(section_header_size);
    // gABI: counts that do not fit are in the null section's header.
    out.u16(count >= SHN_LORESERVE ? 0 : static_cast<std::uint16_t>(count));
    out.u16(names >= SHN_LORESERVE ? SHN_XINDEX : static_cast<std::uint16_t>(names));
}

void Writer::put_null_section_header(Sink& out) const {
    const std::uint64_t count = sections_.size() + 1;
    const std::uint32_t names = section_indices_.at(section_names_);
    out.pad_to(out.size() + 32);
    out.u64(count >= SHN_LORESERVE ? count : 0);  // sh_size
    out.u32(names >= SHN_LORESERVE ? names : 0);  // sh_link
    out.pad_to(out.size() + 20);
}

void Writer::put_section_header(Sink& out, const Section& section, std::uint64_t offset) const {
    std::uint64_t entry_size = section.entry_size;
    if (section.type == SHT_SYMTAB) entry_size = symbol_size;
    if (section.is_rela()) entry_size = rela_size;
    if (section.type == SHT_GROUP || section.type == SHT_SYMTAB_SHNDX) entry_size = word_size;
    out.u32(name_offsets_[section_indices_.at(&section) - 1]);
    out.u32(section.type);
    out.u64(section.flags);
    out.u64(section.address);
    out.u64(offset);
    out.u64(size_of(section));
    out.u32(link_of(section));
    out.u32(info_of(section));
    out.u64(section.alignment);
    out.u64(entry_size);
}

}  // namespace klp::elf
