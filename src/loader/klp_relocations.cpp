// SPDX-License-Identifier: GPL-2.0-or-later
// Livepatch symbols and relocations (kernel/livepatch/core.c, first half).
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/kernel_names.hpp"
#include "loader/kallsyms.hpp"
#include "loader/klp_names.hpp"
#include "loader/livepatch_core.hpp"
#include "loader/relocation.hpp"

namespace klp::loader {

namespace {

[[noreturn]] void refuse(std::string text, Journal& journal) {
    journal.refuse(EINVAL, "livepatch: " + std::move(text));
}

}  // namespace

// klp_find_object_symbol(). A null object is printed as such where the kernel forgets to ask.
std::uint64_t LivepatchCore::find_object_symbol(std::string_view object, std::string_view name, std::uint64_t sympos,
                                                Journal& journal) const {
    const Match match = match_symbols(system_, object, name, sympos);
    if (match.address == 0) refuse(fmt::format("symbol '{}' not found in symbol table", name), journal);
    if (match.count > 1 && sympos == 0) {
        refuse(fmt::format("unresolvable ambiguity for symbol '{}' in object '{}'", name,
                           object.empty() ? std::string_view("(null)") : object),
               journal);
    }
    if (sympos != match.count && sympos > 0) {
        refuse(fmt::format("symbol position {} for symbol '{}' in object '{}' not found", sympos, name,
                           object.empty() ? vmlinux : object),
               journal);
    }
    return match.address;
}

// klp_resolve_symbols()
void LivepatchCore::resolve_symbols(Module& module, std::uint32_t section, const std::string& section_object,
                                    Journal& journal) {
    std::uint32_t index = 0;
    for (const arch::ImageRelocation& relocation : module.image.sections[section].relocations) {
        std::optional<arch::ImageSymbol> behind;
        if (relocation.symbol >= module.image.symbols.size()) {
            behind = symbol_behind_kept(module, relocation.symbol);
            if (module.state == LoadState::unformed || !behind || behind->section_index == elf::shn_livepatch)
                throw Undefined{fmt::format("{}: {}: symbol index {} is outside of the table of {}", module.name,
                                            module.image.sections[section].name, relocation.symbol,
                                            module.image.symbols.size())};
        }
        arch::ImageSymbol& symbol = behind ? *behind : module.image.symbols[relocation.symbol];
        if (symbol.section_index != elf::shn_livepatch) {
            refuse(system_.features.livepatch_symbol_message_names_index
                       ? fmt::format("symbol {} at rela sec {} idx {} is not marked as a livepatch symbol", symbol.name,
                                     module.index.symbols, index)
                       : fmt::format("symbol {} is not marked as a livepatch symbol", symbol.name),
                   journal);
        }
        const auto name = scan_symbol_name(symbol.name);
        if (!name) refuse(fmt::format("symbol {} has an incorrectly formatted name", symbol.name), journal);
        if (system_.features.keeps_vmlinux_symbols_apart && section_object != vmlinux && name->object == vmlinux) {
            refuse(
                fmt::format("invalid access to vmlinux symbol '{}' from module-specific livepatch relocation section",
                            name->symbol),
                journal);
        }
        symbol.value = find_object_symbol(name->object == vmlinux ? std::string_view() : name->object, name->symbol,
                                          name->sympos, journal);
        ++index;
    }
}

void LivepatchCore::apply_section_relocs(Module& module, std::uint32_t section, std::string_view object,
                                         Journal& journal) {
    const std::string& name = module.image.sections[section].name;
    const auto section_object = scan_section_object(name);
    if (!section_object) refuse(fmt::format("section {} has an incorrectly formatted name", name), journal);
    if ((object.empty() ? vmlinux : object) != *section_object) return;
    resolve_symbols(module, section, *section_object, journal);
    if (module.image.sections[section].info >= module.image.sections.size())
        throw Undefined{
            fmt::format("{}: {}: kernel/livepatch/core.c:klp_write_section_relocs() takes what is behind "
                        "the section headers for that of its target, section {}",
                        module.name, name, module.image.sections[section].info)};
    // Each CPU has its copy by then, and the file's content, which they were made of, is freed (load_module()).
    const std::uint32_t target = module.image.sections[section].info;
    if (module.state != LoadState::unformed && target != 0 && target == module.index.percpu)
        throw Undefined{
            fmt::format("{}: relocations of {} are written to memory that is freed already "
                        "(kernel/livepatch/core.c:klp_write_section_relocs)",
                        module.name, module.image.sections[target].name)};
    apply_section(system_, module, section, *section_object, journal);
}

// copy_module_elf() keeps the headers; of a section without SHF_ALLOC they lead into the loader's copy of the file,
// which is freed before the init function is called.
void LivepatchCore::check_relocations_are_loaded(const Module& module, std::uint32_t section,
                                                 const KlpObject& object) const {
    const arch::ImageSection& relocations = module.image.sections[section];
    const bool is_used = scan_section_object(relocations.name) == object.display_name() && relocations.size != 0;
    if (!is_used || module.layout.places[section]) return;
    throw Undefined{fmt::format(
        "{}: {} is not loaded: kernel/livepatch/core.c:klp_resolve_symbols() would read it from memory that is freed",
        module.name, relocations.name)};
}

// klp_apply_object_relocs(), klp_clear_object_relocs()
void LivepatchCore::write_object_relocs(const KlpPatch& patch, const KlpObject& object, bool apply, Journal& journal) {
    Module& module = *patch.module;
    for (std::uint32_t i = 1; i < module.image.sections.size(); ++i) {
        if ((module.image.sections[i].flags & elf::shf_rela_livepatch) == 0) continue;
        check_relocations_are_loaded(module, i, object);
        if (apply) {
            apply_section_relocs(module, i, object.name, journal);
        } else if (scan_section_object(module.image.sections[i].name) == object.name) {
            clear_section(system_, module, i, object.name, journal);
        }
    }
}

// arch_klp_init_object_loaded()
void LivepatchCore::process_arch_sections(Module& module, const KlpObject& object) {
    as_undefined([&] {
        const auto rewrites =
            arch::object_rewrites(system_.kernel.arch(), module.image, *system_.features.arch, object.display_name());
        arch::write_rewrites(module.image, rewrites);
        for (const arch::CodeRewrite& each : rewrites) {
            const auto is_known = [&](const arch::CodeRewrite& known) {
                return known.mechanism == each.mechanism && known.section == each.section &&
                       known.range.begin == each.range.begin && known.range.end == each.range.end;
            };
            if (std::ranges::none_of(module.rewrites, is_known)) module.rewrites.push_back(each);
        }
    });
}

}  // namespace klp::loader
