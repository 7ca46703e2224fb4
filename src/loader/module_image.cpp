// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/module_image.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/align.hpp"
#include "base/error.hpp"
#include "loader/kallsyms.hpp"

namespace klp::loader {

namespace {

constexpr std::uint64_t most_empty_relocations = 100'000;

std::vector<arch::ImageRelocation> read_relocations(const ModuleFile& file, const SectionHeader& header) {
    Cursor in(file.content(header), file.order(), {file.display_name(), {}, {}});
    std::vector<arch::ImageRelocation> relocations(in.remaining() / rela_entry_size);
    for (arch::ImageRelocation& relocation : relocations) {
        relocation.offset = in.u64();
        const std::uint64_t info = in.u64();
        relocation.type = static_cast<std::uint32_t>(ELF64_R_TYPE(info));
        relocation.symbol = static_cast<std::uint32_t>(ELF64_R_SYM(info));
        relocation.addend = in.i64();
    }
    return relocations;
}

bool has_relocations(const SectionHeader& header) {
    return header.type == SHT_RELA || (header.flags & elf::shf_rela_livepatch) != 0;
}

void read_sections(Module& module) {
    const ModuleFile& file = module.file;
    std::uint64_t relocation_bytes = 0;
    for (std::uint32_t i = 0; i < file.sections().size(); ++i) {
        const SectionHeader& header = file.sections()[i];
        arch::ImageSection& section = module.image.sections.emplace_back();
        if (i != 0) section.name = file.section_name(i);
        section.type = header.type;
        section.flags = header.flags;
        section.alignment = header.alignment;
        section.size = header.size;
        section.info = header.info;
        if (!has_relocations(header)) continue;
        if (header.type != SHT_NOBITS) relocation_bytes += header.size;
        if (relocation_bytes > file.bytes().size())
            throw Error({file.display_name(), section.name, {}}, "relocation sections that overlap");
        if (header.type == SHT_NOBITS) {
            if (header.size / rela_entry_size > most_empty_relocations)
                throw Error({file.display_name(), section.name, {}},
                            "a table of relocations without content, too long");
            section.relocations.resize(header.size / rela_entry_size);  // zeroes, when it is loaded
        } else {
            section.relocations = read_relocations(file, header);
        }
    }
}

void read_symbols(Module& module) {
    const ModuleFile& file = module.file;
    module.symbols = file.symbols(file.sections().at(module.index.symbols));
    const SectionHeader& strings = file.sections().at(module.index.strings);
    for (const SymbolEntry& entry : module.symbols) {
        const std::string_view name = entry.name == 0 ? std::string_view() : file.string_at(strings, entry.name);
        module.image.symbols.push_back({std::string(name), entry.value, entry.section_index, entry.other});
    }
}

bool is_sealed(const arch::SpecialSection* table, const Features& features) {
    if (table == nullptr) return false;
    switch (table->sealed) {
        case arch::Sealed::never:
            return false;
        case arch::Sealed::after_init:
            return true;
        case arch::Sealed::after_init_if_marked:
            return features.marks_ro_after_init && features.static_call_inline;
    }
    return false;
}

// "Track but don't keep" (rewrite_section_headers); per-CPU data have an allocation of their own.
void edit_flags(Module& module, const arch::Arch& arch, const Features& features) {
    const SectionIndices& index = module.index;
    for (const std::uint32_t each :
         {index.versions, index.version_crcs, index.version_names, index.modinfo, index.percpu}) {
        if (each != 0) module.image.sections[each].flags &= ~std::uint64_t{SHF_ALLOC};
    }
    for (arch::ImageSection& section : module.image.sections) {
        if (section.name == ".data..ro_after_init" || is_sealed(arch.special_section(section.name), features))
            section.flags |= shf_ro_after_init;
    }
}

// As much as the section has now, which may be more than it had in the file.
void copy_content(const ModuleFile& file, std::uint64_t offset, arch::ImageSection& section) {
    if (section.type == SHT_NOBITS || offset > file.bytes().size()) return;
    const Bytes content = file.bytes().subspan(offset);
    std::ranges::copy(content.first(std::min(content.size(), section.memory.size())), section.memory.begin());
}

// A table of relocations that is loaded is the one that the architecture has sorted.
void write_relocations(const arch::ImageSection& section, ByteOrder order) {
    MutableBytes memory = section.memory;
    for (const arch::ImageRelocation& relocation : section.relocations) {
        if (memory.size() < rela_entry_size) return;  // a stub section, by its name, has a size of its own
        store<std::uint64_t>(memory, relocation.offset, order);
        store<std::uint64_t>(memory.subspan(8), ELF64_R_INFO(std::uint64_t{relocation.symbol}, relocation.type), order);
        store<std::uint64_t>(memory.subspan(16), static_cast<std::uint64_t>(relocation.addend), order);
        memory = memory.subspan(rela_entry_size);
    }
}

}  // namespace

void build_image(Module& module, const arch::Arch& arch, const Features& features) {
    module.image.name = module.name;
    module.image.order = module.file.order();
    read_sections(module);
    read_symbols(module);
    edit_flags(module, arch, features);
    module.image.symbolize = [&module, &features](std::uint64_t address) {
        return symbolize(module, address, features);
    };
}

LayoutRequest layout_request(const Module& module, const Features& features, std::uint64_t reserved_text) {
    LayoutRequest request;
    request.reserved_text = reserved_text;
    request.symbols = module.index.symbols;
    request.strings = module.index.strings;
    request.all_symbols = module.image.symbols.size();
    for (std::uint32_t i = 0; i < module.image.symbols.size(); ++i) {
        if (i != 0 && !module.is_livepatch && !is_core_symbol(module, i, features)) continue;
        ++request.kept_symbols;
        request.kept_strings += module.image.symbols[i].name.size() + 1;
    }
    return request;
}

void move_module(Module& module, std::uint64_t page_bytes) {
    module.block_memory.resize(module.layout.blocks.size());
    for (std::size_t i = 0; i < module.layout.blocks.size(); ++i) {
        module.block_memory[i].resize(align_up(module.layout.blocks[i].size, page_bytes));
        module.image.blocks.push_back({module.block_addresses[i], MutableBytes(module.block_memory[i])});
    }
    for (std::uint32_t i = 0; i < module.image.sections.size(); ++i) {
        arch::ImageSection& section = module.image.sections[i];
        const auto& place = module.layout.places[i];
        if (!place) continue;
        section.address = module.block_addresses[place->block] + place->offset;
        section.memory = MutableBytes(module.block_memory[place->block]).subspan(place->offset, section.size);
        copy_content(module.file, module.file.sections()[i].offset, section);
        if (!section.relocations.empty()) write_relocations(section, module.image.order);
    }
}

}  // namespace klp::loader
