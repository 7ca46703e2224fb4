// SPDX-License-Identifier: GPL-2.0-or-later
// What is left over once references have become livepatch relocations.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/text.hpp"
#include "convert/steps.hpp"
#include "kernel/module.hpp"

namespace klp::convert {
namespace {

// include/linux/module.h: struct modversion_info { unsigned long crc; char name[MODULE_NAME_LEN]; }
constexpr std::size_t version_size = 64, version_name = 8, crc_size = 4;

std::string_view c_string(Bytes bytes) {
    const std::string_view text = as_text(bytes);
    return text.substr(0, text.find('\0'));
}

void remove_versions(elf::Object& module, const ConvertedNames& names) {
    elf::Section* section = module.find_section("__versions");
    if (section == nullptr || section->size() % version_size != 0) return;
    const Bytes content = section->content();
    std::vector<std::byte> kept;
    for (std::size_t at = 0; at < content.size(); at += version_size) {
        const Bytes entry = content.subspan(at, version_size);
        if (!names.contains(std::string(c_string(entry.subspan(version_name)))))
            kept.insert(kept.end(), entry.begin(), entry.end());
    }
    if (kept.size() != content.size()) section->set_content(std::move(kept));
}

// CONFIG_EXTENDED_MODVERSIONS (since 6.14): names one behind the other, and CRCs in the same order
// (kernel/module/version.c:modversion_ext_start).
void remove_extended_versions(elf::Object& module, const ConvertedNames& names) {
    elf::Section* crcs = module.find_section("__version_ext_crcs");
    elf::Section* texts = module.find_section("__version_ext_names");
    if (crcs == nullptr || texts == nullptr) return;
    std::vector<std::byte> kept_crcs, kept_texts;
    const Bytes crc_bytes = crcs->content();
    Bytes rest = texts->content();
    for (std::size_t at = 0; at + crc_size <= crc_bytes.size() && !rest.empty(); at += crc_size) {
        const std::string_view name = c_string(rest);
        const Bytes text = rest.first(std::min(name.size() + 1, rest.size()));
        rest = rest.subspan(text.size());
        if (names.contains(std::string(name))) continue;
        const Bytes crc = crc_bytes.subspan(at, crc_size);
        kept_crcs.insert(kept_crcs.end(), crc.begin(), crc.end());
        kept_texts.insert(kept_texts.end(), text.begin(), text.end());
    }
    if (kept_crcs.size() == crc_bytes.size()) return;
    crcs->set_content(std::move(kept_crcs));
    texts->set_content(std::move(kept_texts));
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
        if (name.empty() || dropped.contains(kernel::module_name_of_path(name))) continue;
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
