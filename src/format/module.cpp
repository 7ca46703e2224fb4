// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>

#include "arch/registry.hpp"
#include "base/text.hpp"
#include "format/livepatch.hpp"
#include "format/tables.hpp"

namespace klp::format {

namespace {

using Modinfo = std::vector<std::pair<std::string, std::string>>;

std::optional<std::string> value_of(const Modinfo& modinfo, std::string_view key) {
    const auto found = std::ranges::find(modinfo, key, &Modinfo::value_type::first);
    return found == modinfo.end() ? std::nullopt : std::optional(found->second);
}

// What kernel/module/main.c:elf_validity_check() and setup_load_info() insist on.
void require_module(const elf::Object& module) {
    const Location where{module.display_name(), {}, {}};
    if (module.file_type() != ET_REL) {
        throw Error(where, fmt::format("not a kernel module: ELF file type {}, expected {} (relocatable)",
                                       module.file_type(), ET_REL));
    }
    for (const std::string_view name : {".modinfo", ".gnu.linkonce.this_module"}) {
        if (module.find_section(name) == nullptr) {
            throw Error(where, fmt::format("not a kernel module: it has no section {}", name));
        }
    }
}

void read_symbols(const elf::Object& module, LivepatchModule& result) {
    for (const auto& symbol : module.symbols()) {
        if (symbol->placement != elf::Placement::livepatch) continue;
        auto name = parse_symbol_name(symbol->name);
        if (name) {
            result.symbols.push_back({std::move(*name), symbol->original_index});
        } else {
            result.other_symbols.push_back(symbol->name);
        }
    }
}

std::string type_name(const arch::Arch& arch, std::uint32_t type) {
    const auto info = arch.relocation_info(type);
    return info ? std::string(info->name) : fmt::format("type {}", type);
}

void append_relocations(const elf::Object& module, const elf::Section& section, const arch::Arch& arch,
                        std::vector<LivepatchRelocation>& result) {
    const Location where{module.display_name(), section.name, {}};
    const auto name = parse_rela_name(section.name);
    if (!name) throw Error(where, fmt::format("expected a section name of the form {}OBJECT.SECTION", rela_prefix));
    if (section.target == nullptr)
        throw Error(where, "livepatch relocation section without a section that it applies to");
    for (const elf::Relocation& relocation : section.relocations) {
        result.push_back({name->object, section.target->name, relocation.offset, type_name(arch, relocation.type),
                          relocation.symbol->name, relocation.addend});
    }
}

std::vector<LivepatchRelocation> read_relocations(const elf::Object& module) {
    const arch::Arch& arch = arch::for_object(module);
    std::vector<LivepatchRelocation> result;
    for (const auto& section : module.sections()) {
        const bool is_livepatch = section->is_rela() && (section->flags & elf::shf_rela_livepatch) != 0;
        if (is_livepatch) append_relocations(module, *section, arch, result);
    }
    return result;
}

std::vector<ArchSection> read_arch_sections(const elf::Object& module) {
    std::vector<ArchSection> result;
    for (const auto& section : module.sections()) {
        if (auto name = parse_arch_name(section->name))
            result.push_back({section->name, std::move(name->object), std::move(name->section)});
    }
    return result;
}

}  // namespace

Modinfo read_modinfo(const elf::Object& module) {
    Modinfo result;
    const elf::Section* section = module.find_section(".modinfo");
    if (section == nullptr) return result;
    // The kernel pads between strings with zeros, and takes the last one to end with the section.
    for (const std::string_view entry : c_strings(as_text(section->content()))) {
        const std::size_t equals = std::min(entry.find('='), entry.size());
        result.emplace_back(entry.substr(0, equals), entry.substr(std::min(equals + 1, entry.size())));
    }
    return result;
}

std::vector<ForcedChange> forced_changes(const Modinfo& modinfo) {
    std::vector<ForcedChange> changes;
    for (const auto& [key, value] : modinfo) {
        const std::size_t kind = value.find(':');
        const std::size_t name = value.find(':', kind + 1);
        if (key != modinfo_forced || kind == std::string::npos || name == std::string::npos) continue;
        changes.push_back({value.substr(0, kind), value.substr(kind + 1, name - kind - 1), value.substr(name + 1)});
    }
    return changes;
}

LivepatchModule read_module(const elf::Object& module) {
    require_module(module);
    LivepatchModule result;
    result.modinfo = read_modinfo(module);
    const Location where{module.display_name(), ".modinfo", {}};
    const auto name = value_of(result.modinfo, "name");
    if (!name) throw Error(where, "not a kernel module: no name");
    // kernel/module/main.c:check_modinfo_livepatch() asks for the key, whatever its value.
    if (!value_of(result.modinfo, "livepatch")) {
        throw Error(where, fmt::format("module '{}' is not a livepatch: no livepatch=Y", *name));
    }
    result.name = *name;
    result.objects = read_tables(module);
    read_symbols(module, result);
    result.relocations = read_relocations(module);
    result.arch_sections = read_arch_sections(module);
    return result;
}

}  // namespace klp::format
