// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/ftrace_sites.hpp"

#include <algorithm>

#include "arch/arch.hpp"

namespace klp::arch {

std::vector<std::uint64_t> read_ftrace_table(Bytes table, ByteOrder order) {
    std::vector<std::uint64_t> sites;
    for (std::uint64_t at = 0; at + ftrace_entry_size <= table.size(); at += ftrace_entry_size)
        if (const auto site = load<std::uint64_t>(table.subspan(at), order); site != 0) sites.push_back(site);
    return sites;
}

bool lists_ftrace_sites(const Arch& arch, const elf::Object& object) {
    return std::ranges::any_of(object.sections(), [&](const auto& section) {
        const SpecialSection* table = arch.special_section(section->name);
        return table != nullptr && table->lists == Lists::ftrace_sites;
    });
}

namespace {

bool is_function_section(const elf::Section& section) {
    return section.name.starts_with(".text.") && section.name != ".text.unlikely";
}

bool lists_function_sections(const Arch& arch, const elf::Object& unit) {
    return std::ranges::any_of(unit.sections(), [&](const auto& section) {
        const SpecialSection* table = arch.special_section(section->name);
        if (table == nullptr || table->lists != Lists::ftrace_sites) return false;
        return std::ranges::any_of(section->rela(), [](const elf::Relocation& each) {
            return each.symbol->section != nullptr && is_function_section(*each.symbol->section);
        });
    });
}

}  // namespace

bool is_traceable_unit(const Arch& arch, const elf::Object& unit, const elf::Symbol& function) {
    if (arch.is_traceable(unit, function)) return true;
    if (function.section == nullptr || !arch.entry_call(function)) return false;
    return !lists_ftrace_sites(arch, unit) ||
           (is_function_section(*function.section) && !lists_function_sections(arch, unit));
}

}  // namespace klp::arch
