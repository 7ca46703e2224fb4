// SPDX-License-Identifier: GPL-2.0-or-later
// What is left over once references have become livepatch relocations.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/kernel_names.hpp"
#include "base/text.hpp"
#include "convert/steps.hpp"
#include "format/versions.hpp"
#include "kernel/module.hpp"

namespace klp::convert {
namespace {

// Whether any was removed.
bool remove_converted(std::vector<format::Version>& versions, const ConvertedNames& names) {
    return std::erase_if(versions, [&](const auto& each) { return names.contains(std::string(each.name)); }) != 0;
}

void remove_versions(elf::Object& module, const ConvertedNames& names) {
    elf::Section* section = module.find_section(format::versions_section);
    if (section == nullptr || section->size() % format::version_size != 0) return;
    auto versions = format::read_versions(section->content(), module.order());
    if (remove_converted(versions, names)) section->set_content(format::make_versions(versions, module.order()));
}

void remove_extended_versions(elf::Object& module, const ConvertedNames& names) {
    elf::Section* crcs = module.find_section(format::extended_crcs_section);
    elf::Section* texts = module.find_section(format::extended_names_section);
    if (crcs == nullptr || texts == nullptr) return;
    auto versions = format::read_extended_versions(crcs->content(), texts->content(), module.order());
    if (!remove_converted(versions, names)) return;
    auto [kept_crcs, kept_names] = format::make_extended_versions(versions, module.order());
    crcs->set_content(std::move(kept_crcs));
    texts->set_content(std::move(kept_names));
}

// In place and filled up with zeros, which the kernel skips (kernel/module/main.c:module_next_tag_pair), so that
// symbols in the section stay where they are.
void replace_text(elf::Section& section, std::string_view old_text, std::string new_text) {
    const std::size_t at = as_text(section.content()).find(old_text);
    if (at == std::string_view::npos) return;
    new_text.resize(old_text.size(), '\0');
    std::ranges::copy(as_bytes(new_text), section.edit().begin() + static_cast<std::ptrdiff_t>(at));
}

void remove_dependencies(elf::Object& module, const ConvertedNames& converted, const kernel::SymbolSource& symbols) {
    const std::string depends(kernel::modinfo(module, "depends"));
    std::set<std::string> dropped;
    for (const std::string& name : converted)
        if (const kernel::Export* found = symbols.find_export(name)) dropped.emplace(found->module);
    for (const auto& symbol : module.symbols()) {
        if (symbol->placement != elf::Placement::undefined) continue;
        if (const kernel::Export* found = symbols.find_export(symbol->name)) dropped.erase(std::string(found->module));
    }
    std::string kept;
    for (const std::string_view name : split(depends, ',')) {
        if (name.empty() || dropped.contains(module_name_of_path(name))) continue;
        kept += fmt::format("{}{}", kept.empty() ? "" : ",", name);
    }
    if (kept != depends) replace_text(*module.find_section(".modinfo"), "depends=" + depends + '\0', "depends=" + kept);
}

}  // namespace

ConvertedNames converted_names(const Decisions& decisions) {
    ConvertedNames names;
    for (const auto& [relocation, choice] : decisions) names.insert(relocation->symbol->name);
    return names;
}

ConvertedNames no_longer_imported(const elf::Object& module, ConvertedNames names) {
    for (const auto& symbol : module.symbols())
        if (symbol->placement == elf::Placement::undefined) names.erase(symbol->name);
    return names;
}

void remove_annotations(elf::Object& module, const Annotations& annotations, const ConvertedNames& converted) {
    const auto& sections = annotations.sections();
    std::vector<elf::Symbol*> symbols;
    for (const auto& symbol : module.symbols()) {
        const bool inside = std::ranges::find(sections, symbol->section) != sections.end();
        if (symbol->section != nullptr && inside) symbols.push_back(symbol.get());
    }
    std::unordered_set<const elf::Symbol*> gone(symbols.begin(), symbols.end());
    for (const auto& symbol : module.symbols())
        if (symbol->placement == elf::Placement::undefined && converted.contains(symbol->name))
            gone.insert(symbol.get());
    // What is not loaded (debug information) is not relocated either.
    for (const auto& section : module.sections()) {
        if (!section->is_rela() || section->target == nullptr || section->target->is_alloc()) continue;
        std::erase_if(section->relocations, [&](const elf::Relocation& each) { return gone.contains(each.symbol); });
    }
    module.remove_symbols(symbols);
    module.remove_sections(sections);
}

void remove_imports(elf::Object& module, const ConvertedNames& converted, const kernel::SymbolSource& symbols) {
    remove_versions(module, converted);
    remove_extended_versions(module, converted);
    remove_dependencies(module, converted, symbols);
}

}  // namespace klp::convert
