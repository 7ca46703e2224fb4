// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_set>

#include "link/finish.hpp"
#include "link/livepatch_relocations.hpp"

namespace klp::link {
namespace {

// Symbols of vmlinux are written when the livepatch is loaded, and the kernel refuses them in other sections;
// symbols of modules when the patched module is there (klp_resolve_symbols).
const std::string& applied_with(const LivepatchReference& reference) {
    return reference.object == vmlinux ? reference.object : reference.patched_object;
}

void check_reference(const LivepatchReference& reference, const elf::Section& target, const arch::Arch& arch,
                     const Location& where, Diagnostics& diagnostics) {
    if (reference.object == vmlinux) return;
    if (reference.patched_object == vmlinux) {
        diagnostics.error("make.module-symbol", where,
                          fmt::format("code of vmlinux refers to '{}' of module '{}', which may not be loaded",
                                      reference.name, reference.object));
    } else if (is_used_at_load(target, arch)) {
        diagnostics
            .error("make.late-special", where,
                   fmt::format("refers to '{}' of module '{}', whose address is written only after the kernel has "
                               "made use of this section",
                               reference.name, reference.object))
            .hint("write the changed code without what makes this entry (a static key, an alternative)");
    }
}

}  // namespace

void restore_definitions(elf::Object& module, const LinkNames& names) {
    for (const auto& symbol : module.symbols()) {
        if (const std::string* plain = names.plain_name(symbol->name)) {
            symbol->name = *plain;
            symbol->binding = STB_LOCAL;
        } else if (symbol->name == "klp_patch") {
            symbol->binding = STB_LOCAL;
        }
    }
}

void make_livepatch_relocations(elf::Object& module, const LinkNames& names, const arch::Arch& arch,
                                Diagnostics& diagnostics) {
    split_relocations(
        module, [&](const elf::Section& target, const elf::Relocation& relocation) -> std::optional<LivepatchTarget> {
            const LivepatchReference* reference = names.reference(relocation.symbol->name);
            if (reference == nullptr) return std::nullopt;
            const Location where{module.display_name(), target.name, relocation.offset};
            check_reference(*reference, target, arch, where, diagnostics);
            return LivepatchTarget{{reference->object, reference->name, reference->sympos}, applied_with(*reference)};
        });
}

void remove_unused(elf::Object& module) {
    std::unordered_set<const elf::Symbol*> used;
    std::vector<elf::Section*> empty;
    for (const auto& section : module.sections()) {
        if (!section->is_rela()) continue;
        for (const elf::Relocation& relocation : section->relocations) used.insert(relocation.symbol);
        if (section->relocations.empty()) empty.push_back(section.get());
    }
    std::vector<elf::Symbol*> unused;
    for (const auto& symbol : module.symbols())
        if (symbol->placement == elf::Placement::undefined && !used.contains(symbol.get()))
            unused.push_back(symbol.get());
    module.remove_symbols(unused);
    module.remove_sections(empty);
}

void check_special_sections(const elf::Object& module, const arch::Arch& arch, Diagnostics& diagnostics) {
    std::map<std::string_view, int> count;
    for (const auto& section : module.sections()) ++count[section->name];
    for (const arch::SpecialSection& special : arch.special_sections())
        if (count[special.name] > 1)
            diagnostics
                .error("make.duplicate-section", {module.display_name(), std::string(special.name), {}},
                       fmt::format("the module has {} sections of this name, the kernel looks at one",
                                   count[special.name]))
                .hint("leave out what the patch places in that section by hand");
}

}  // namespace klp::link
