// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "format/livepatch.hpp"
#include "make/finish.hpp"

namespace klp::make {
namespace {

constexpr std::string_view vmlinux = "vmlinux";

// What the kernel makes use of while it loads the module, before relocations of other objects can be applied
// (kernel/livepatch/core.c:klp_apply_section_relocs explains the order): tables of places to rewrite, and the
// code that is copied there.
bool is_used_at_load(const elf::Section& section, const arch::Arch& arch) {
    return arch.special_section(section.name) != nullptr ||
           std::ranges::find(arch.code_pools(), section.name) != arch.code_pools().end();
}

class Splitter {
public:
    Splitter(elf::Object& module, const LinkNames& names, const arch::Arch& arch, Diagnostics& diagnostics)
        : module_(module), names_(names), arch_(arch), diagnostics_(diagnostics) {}

    void run() {
        std::vector<elf::Section*> ordinary;
        for (const auto& section : module_.sections())
            if (section->is_rela() && section->target != nullptr) ordinary.push_back(section.get());
        for (elf::Section* section : ordinary) split(*section);
    }

private:
    void split(elf::Section& ordinary) {
        std::map<std::string, std::vector<elf::Relocation>> by_object;
        std::vector<elf::Relocation> kept;
        for (const elf::Relocation& relocation : ordinary.relocations) {
            const LivepatchReference* reference = names_.reference(relocation.symbol->name);
            if (reference == nullptr) {
                kept.push_back(relocation);
                continue;
            }
            check(*reference, *ordinary.target, relocation);
            elf::Relocation moved = relocation;
            moved.symbol = &symbol_of(*reference);
            by_object[applied_with(*reference)].push_back(moved);
        }
        if (by_object.empty()) return;
        ordinary.relocations = std::move(kept);
        for (auto& [object, relocations] : by_object) add_section(object, *ordinary.target, std::move(relocations));
    }

    // Symbols of vmlinux are written when the livepatch is loaded, and the kernel refuses them in other sections;
    // symbols of modules when the patched module is there (klp_resolve_symbols).
    static const std::string& applied_with(const LivepatchReference& reference) {
        return reference.object == vmlinux ? reference.object : reference.patched_object;
    }

    void check(const LivepatchReference& reference, const elf::Section& target, const elf::Relocation& relocation) {
        const Location where{module_.display_name(), target.name, relocation.offset};
        if (reference.object == vmlinux) return;
        if (reference.patched_object == vmlinux) {
            diagnostics_.error("make.module-symbol", where,
                               fmt::format("code of vmlinux refers to '{}' of module '{}', which may not be loaded",
                                           reference.name, reference.object));
        } else if (is_used_at_load(target, arch_)) {
            diagnostics_
                .error("make.late-special", where,
                       fmt::format("refers to '{}' of module '{}', whose address is written only after the kernel has "
                                   "made use of this section",
                                   reference.name, reference.object))
                .hint("write the changed code without what makes this entry (a static key, an alternative)");
        }
    }

    elf::Symbol& symbol_of(const LivepatchReference& reference) {
        std::string name = format::make_symbol_name({reference.object, reference.name, reference.sympos});
        const auto [entry, added] = symbols_.try_emplace(name, nullptr);
        if (added) {
            elf::Symbol symbol;
            symbol.name = std::move(name);
            symbol.placement = elf::Placement::livepatch;
            symbol.binding = STB_GLOBAL;
            entry->second = &module_.add_symbol(std::move(symbol));
        }
        return *entry->second;
    }

    // SHF_ALLOC: the livepatch core needs it in memory for as long as the module is there
    // (Documentation/livepatch/module-elf-format.rst).
    void add_section(const std::string& object, elf::Section& target, std::vector<elf::Relocation> relocations) {
        elf::Section& section = module_.add_rela_section(format::make_rela_name({object, target.name}),
                                                         SHF_ALLOC | SHF_INFO_LINK | elf::shf_rela_livepatch, target);
        section.relocations = std::move(relocations);
    }

    elf::Object& module_;
    const LinkNames& names_;
    const arch::Arch& arch_;
    Diagnostics& diagnostics_;
    std::map<std::string, elf::Symbol*> symbols_;
};

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
    Splitter(module, names, arch, diagnostics).run();
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
            diagnostics.error(
                "make.duplicate-section", {module.display_name(), std::string(special.name), {}},
                fmt::format("the module has {} sections of this name, the kernel looks at one", count[special.name]));
}

}  // namespace klp::make
