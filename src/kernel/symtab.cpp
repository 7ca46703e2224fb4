// SPDX-License-Identifier: GPL-2.0-or-later
// Symbols of ELF symbol tables, as the kernel keeps or would keep them.
#include <elf.h>

#include <algorithm>
#include <cctype>
#include <unordered_set>

#include "kernel/kallsyms.hpp"

namespace klp::kernel {

namespace {

// kernel/module/main.c:rewrite_section_headers and setup_load_info: sections that the loader reads, but does not keep.
bool is_dropped_by_loader(const elf::Section& section) {
    return section.name == ".modinfo" || section.name == "__versions";
}

constexpr std::string_view percpu = ".data..percpu";

// kernel/module/kallsyms.c:is_core_symbol. Init sections: kernel/module/main.c:module_init_section.
bool is_core_symbol(const elf::Symbol& symbol, bool all) {
    if (symbol.placement != elf::Placement::section) return false;
    const elf::Section& section = *symbol.section;
    if (section.name == percpu) return all;
    if (!section.is_alloc() || is_dropped_by_loader(section) || section.name.starts_with(".init")) return false;
    return all || section.is_code();
}

char type_of_section(const elf::Section& section) {
    if (section.is_code()) return 't';
    if (section.is_alloc() && !section.is_nobits()) return section.is_writable() ? 'd' : 'r';
    if (section.is_nobits()) return 'b';
    return section.name.starts_with(".debug") ? 'n' : '?';
}

// kernel/module/kallsyms.c:elf_type, which speaks as nm does for local symbols.
char type_of(const elf::Symbol& symbol, bool is_module) {
    if (symbol.binding == STB_WEAK) return symbol.type == STT_OBJECT ? 'v' : 'w';
    if (symbol.placement == elf::Placement::absolute) return 'a';
    if (symbol.placement != elf::Placement::section) return '?';
    if (is_module && symbol.section->name == percpu) return 'a';
    return type_of_section(*symbol.section);
}

// Names that a module exports to all: kernel/module/kallsyms.c:is_exported looks at __ksymtab alone, and
// /proc/kallsyms shows those in upper case (kernel/kallsyms.c:s_show).
std::unordered_set<std::string_view> exported_names(const elf::Object& module) {
    constexpr std::string_view prefix = "__ksymtab_";
    std::unordered_set<std::string_view> names;
    for (const auto& symbol : module.symbols()) {
        const bool is_entry =
            symbol->section != nullptr && symbol->section->name == "__ksymtab" && symbol->name.starts_with(prefix);
        if (is_entry) names.insert(std::string_view(symbol->name).substr(prefix.size()));
    }
    return names;
}

char upper(char type) {
    return static_cast<char>(std::toupper(static_cast<unsigned char>(type)));
}

std::vector<KernelSymbol> module_symbols(const elf::Object& object, bool all) {
    const auto exported = exported_names(object);
    std::vector<KernelSymbol> symbols;
    for (const auto& symbol : object.symbols()) {
        // kernel/module/kallsyms.c:module_kallsyms_on_each_symbol
        if (symbol->placement == elf::Placement::undefined || symbol->name.empty()) continue;
        const char type = type_of(*symbol, true);
        symbols.push_back({symbol->value, exported.contains(symbol->name) ? upper(type) : type, symbol->name,
                           symbol->section, !is_core_symbol(*symbol, all)});
    }
    return symbols;
}

// By address, as scripts/kallsyms.c:sort_symbols has them; symbols of one name and one address may be in another
// order there, which no position can tell.
std::vector<KernelSymbol> vmlinux_symbols(const elf::Object& object) {
    std::vector<KernelSymbol> symbols;
    for (const auto& symbol : object.symbols()) {
        if (!symbol->is_defined() || symbol->is_section_symbol() || symbol->is_file() || symbol->name.empty()) continue;
        const char type = type_of(*symbol, false);
        symbols.push_back({symbol->value, symbol->is_local() ? type : upper(type), symbol->name});
    }
    std::stable_sort(symbols.begin(), symbols.end(),
                     [](const KernelSymbol& a, const KernelSymbol& b) { return a.address < b.address; });
    return symbols;
}

}  // namespace

SymbolTable read_symtab(const elf::Object& object, std::string object_name, bool all) {
    auto symbols = object.file_type() == ET_REL ? module_symbols(object, all) : vmlinux_symbols(object);
    if (symbols.empty()) throw Error({object.display_name(), "", {}}, "no symbols: the file was stripped");
    return {std::move(object_name), std::move(symbols)};
}

}  // namespace klp::kernel
