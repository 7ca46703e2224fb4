// SPDX-License-Identifier: GPL-2.0-or-later
// Layout, allocation, symbols and relocations (kernel/module/main.c, in the order of load_module()).
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "arch/code_faults.hpp"
#include "arch/module_loading.hpp"
#include "base/align.hpp"
#include "loader/exports.hpp"
#include "loader/module_image.hpp"
#include "loader/module_loader.hpp"
#include "loader/module_memory.hpp"
#include "loader/public_view.hpp"
#include "loader/relocation.hpp"

namespace klp::loader {

namespace {

// kernel/module/strict_rwx.c:module_enforce_rwx_sections
void enforce_rwx(const Module& module, const Features& features, Journal& journal) {
    constexpr std::uint64_t both = SHF_WRITE | SHF_EXECINSTR;
    if (!features.strict_module_rwx) return;
    for (std::uint32_t i = 0; i < module.image.sections.size(); ++i) {
        const arch::ImageSection& section = module.image.sections[i];
        if ((section.flags & both) != both) continue;
        journal.refuse(ENOEXEC, fmt::format("{}: section {} (index {}) has invalid WRITE|EXEC flags", module.name,
                                            section.name, i));
    }
}

// Keys of Options::addresses that mean `owner`, by section.
SectionAddresses addresses_of(const System& system, std::string_view owner) {
    SectionAddresses wanted;
    for (const auto& [key, address] : system.options.addresses) {
        const std::size_t colon = key.starts_with('.') ? std::string::npos : key.find(':');
        const std::string_view name =
            colon == std::string::npos ? system.first_livepatch : std::string_view(key).substr(0, colon);
        if (name == owner) wanted.emplace(key.substr(colon == std::string::npos ? 0 : colon + 1), address);
    }
    return wanted;
}

SectionAddresses addresses_for(const System& system, const Module& module) {
    const auto this_time = addresses_of(system, fmt::format("{}#{}", module.name, system.times_loaded.at(module.name)));
    return this_time.empty() ? addresses_of(system, module.name) : this_time;
}

bool is_ignored(const arch::ModuleLoading& loading, const Module& module, std::uint32_t index) {
    const auto names = loading.undefined_symbols();
    return ELF64_ST_BIND(module.symbols[index].info) == STB_WEAK ||
           std::ranges::find(names, module.image.symbols[index].name) != names.end();
}

class Simplifier {
public:
    Simplifier(System& system, Module& module, Journal& journal)
        : system_(system), module_(module), journal_(journal) {}

    int run() {
        for (std::uint32_t i = 1; i < module_.image.symbols.size(); ++i) simplify(i);
        return error_;
    }

private:
    void simplify(std::uint32_t index) {
        arch::ImageSymbol& symbol = module_.image.symbols[index];
        switch (symbol.section_index) {
            case SHN_COMMON:
                if (symbol.name.starts_with("__gnu_lto")) return;
                journal_.warning(module_.name + ": please compile with -fno-common");
                error_ = ENOEXEC;
                return;
            case SHN_ABS:
            case elf::shn_livepatch:
                return;
            case SHN_UNDEF:
                return resolve(index);
            default:
                return relocate(symbol);
        }
    }
    void resolve(std::uint32_t index) {
        arch::ImageSymbol& symbol = module_.image.symbols[index];
        int error = ENOENT;
        try {
            const auto value = resolve_symbol(system_, module_, symbol.name, journal_);
            if (value) {
                symbol.value = *value;
                return;
            }
            if (is_ignored(system_.kernel.arch().module_loading(), module_, index)) return;
        } catch (const Refused& refused) {
            error = refused.error;
        }
        journal_.warning(fmt::format("{}: Unknown symbol {} (err {})", module_.name, symbol.name, -error));
        error_ = error;
    }
    void relocate(arch::ImageSymbol& symbol) {
        const std::uint16_t index = symbol.section_index;
        if (index >= module_.image.sections.size()) {
            journal_.error(fmt::format("{}: Symbol {} has an invalid section index {} (max {})", module_.name,
                                       symbol.name, index, module_.image.sections.size() - 1));
            error_ = ENOEXEC;
            return;
        }
        const bool is_percpu = index == module_.index.percpu && index != 0;
        symbol.value += is_percpu ? module_.percpu_address : module_.image.sections[index].address;
    }

    System& system_;
    Module& module_;
    Journal& journal_;
    int error_ = 0;
};

// __layout_sections(): init memory has no area for what is read-only after init.
void check_areas(const Module& module, const Features& features) {
    constexpr std::uint64_t kinds = SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR | shf_ro_after_init;
    for (const arch::ImageSection& each : module.image.sections) {
        if (!is_init_section(each.name, features) ||
            (each.flags & kinds) != (SHF_ALLOC | SHF_WRITE | shf_ro_after_init))
            continue;
        throw Undefined{
            fmt::format("{}: {}: WARN() in kernel/module/main.c:__layout_sections(): init memory has no "
                        "area for what is read-only after init",
                        module.name, each.name)};
    }
}

// kernel/module/kallsyms.c:elf_type() looks at the section of each symbol, and simplify_symbols() at those of all but
// the first.
void check_first_symbol(const Module& module) {
    const std::uint16_t section = module.image.symbols.empty() ? 0 : module.image.symbols.front().section_index;
    if (section < SHN_LORESERVE && section >= module.image.sections.size())
        throw Undefined{
            fmt::format("{}: kernel/module/kallsyms.c:elf_type() would read the header of section {} for "
                        "the first symbol",
                        module.name, section)};
}

// Relocations whose index leads behind the symbol table, which is followed by its strings.
void read_behind_symbols(Module& module) {
    const arch::ImageSection& table = module.image.sections[module.index.symbols];
    std::uint64_t count = module.image.symbols.size();
    for (const arch::ImageSection& section : module.image.sections) {
        for (const arch::ImageRelocation& each : section.relocations)
            count = std::max<std::uint64_t>(count, std::uint64_t{each.symbol} + 1);
    }
    for (std::uint64_t i = module.image.symbols.size(); i < count; ++i) {
        const auto entry = module.image.memory_at(table.address + i * symbol_entry_size, symbol_entry_size);
        if (!entry) return;
        arch::ImageSymbol& symbol = module.image.behind_symbols.emplace_back();
        symbol.other = std::to_integer<std::uint8_t>((*entry)[offsetof(Elf64_Sym, st_other)]);
        symbol.section_index = load<std::uint16_t>(entry->subspan(offsetof(Elf64_Sym, st_shndx)), module.image.order);
        symbol.value = load<std::uint64_t>(entry->subspan(offsetof(Elf64_Sym, st_value)), module.image.order);
    }
}

// Before the first relocation, add_unformed_module(), and module_unload_init(): nobody uses the module, and
// load_module() does.
void initialize_struct_module(const Module& module, const kernel::StructLayout& layout) {
    constexpr std::uint32_t unformed = 3, first_references = 2;  // MODULE_REF_BASE, and that of load_module()
    const arch::ImageSection& section = module.image.sections[module.index.this_module];
    const auto put = [&](std::uint64_t offset, auto value) {
        if (offset + sizeof(value) <= section.memory.size())
            store(section.memory.subspan(offset), value, module.image.order);
    };
    if (layout.module_list != 0) put(layout.module_state, unformed);
    if (layout.module_refcnt != 0) put(layout.module_refcnt, first_references);
    for (const std::uint64_t list : {layout.module_list, layout.module_source_list, layout.module_target_list}) {
        if (list == 0) continue;
        put(list, section.address + list);
        put(list + 8, section.address + list);
    }
}

}  // namespace

// layout_and_allocate()
void ModuleLoader::lay_out_and_allocate(Module& module, Journal& journal) {
    if (module.is_livepatch && system_.first_livepatch.empty()) system_.first_livepatch = module.name;
    ++system_.times_loaded[module.name];
    std::uint64_t reserved_text = 0;
    as_undefined([&] {
        build_image(module, system_.kernel.arch(), system_.features);
        module.relocator = system_.kernel.arch().module_loading().relocator(module.image, *system_.features.arch);
        auto preparation = module.relocator->prepare();
        if (preparation.refusal) refuse(*preparation.refusal, journal);
        reserved_text = preparation.reserved_text;
        enforce_rwx(module, system_.features, journal);
    });
    if (system_.features.separate_memories) check_areas(module, system_.features);
    LayoutRequest request = layout_request(module, system_.features, reserved_text);
    request.memory_limit = system_.options.memory_limit;
    module.layout = lay_out(module.image, request, system_.features);
    module.block_addresses = place_blocks(module.layout, module.image, addresses_for(system_, module), system_.space);
    as_undefined([&] { move_module(module, system_.features.page_bytes); });
    if (const std::uint64_t copy = system_.kernel.arch().module_loading().temporary_copy(); copy != 0) {
        for (std::uint32_t i = 1; i < module.image.sections.size(); ++i)
            if (!module.layout.places[i]) module.image.sections[i].address = copy + module.file.sections()[i].offset;
    }
    module.image.text_address = module.block_addresses.front();
    module.image.reserved_text = MutableBytes(module.block_memory.front()).first(reserved_text);
}

// percpu_modalloc(): from the chunk reserved for modules, which follows the kernel's own variables.
void ModuleLoader::allocate_percpu(Module& module, Journal& journal) {
    if (module.index.percpu == 0) return;
    arch::ImageSection& section = module.image.sections[module.index.percpu];
    const Bytes content = module.file.content(module.file.sections()[module.index.percpu]);
    module.percpu_template.assign(content.begin(), content.end());
    module.percpu_template.resize(std::min<std::uint64_t>(section.size, system_.features.percpu_reserved));
    if (section.size == 0) return;
    std::uint64_t alignment = std::max<std::uint64_t>(section.alignment, 1);
    if (alignment > system_.features.page_bytes) {
        journal.warning(
            fmt::format("{}: per-cpu alignment {} > {}", module.name, alignment, system_.features.page_bytes));
        alignment = system_.features.page_bytes;
    }
    const std::uint64_t offset = align_up(system_.percpu_used, alignment);
    if (section.size > system_.features.percpu_reserved || offset > system_.features.percpu_reserved - section.size) {
        journal.warning(fmt::format("{}: Could not allocate {} bytes percpu data", module.name, section.size));
        throw Refused{ENOMEM};
    }
    system_.percpu_used = offset + section.size;
    const std::uint64_t end = system_.kernel.symbols().linked_address("__per_cpu_end").value_or(0);
    const auto wanted = addresses_for(system_, module);
    const auto pinned = wanted.find(".data..percpu");
    module.percpu_address = pinned != wanted.end() ? pinned->second : align_up(end, 64) + offset;
    if (system_.features.relocates_percpu) section.memory = module.percpu_template;
}

void ModuleLoader::simplify_symbols(Module& module, Journal& journal) {
    const int error = Simplifier(system_, module, journal).run();
    if (error != 0) throw Refused{error};
    // The table in memory has the values too.
    MutableBytes table = module.image.sections[module.index.symbols].memory;
    read_behind_symbols(module);
    constexpr std::uint64_t value_field = 8;
    for (std::size_t i = 0; i < module.image.symbols.size() && (i + 1) * symbol_entry_size <= table.size(); ++i)
        store<std::uint64_t>(table.subspan(i * symbol_entry_size + value_field), module.image.symbols[i].value,
                             module.image.order);
}

void ModuleLoader::apply_relocations(Module& module, Journal& journal) {
    const auto& sections = module.image.sections;
    if (system_.features.layout) initialize_struct_module(module, *system_.features.layout);
    for (std::uint32_t i = 1; i < sections.size(); ++i) {
        const std::uint32_t target = sections[i].info;
        if (target >= sections.size()) continue;
        const bool is_percpu = system_.features.relocates_percpu && target != 0 && target == module.index.percpu;
        if ((sections[target].flags & SHF_ALLOC) == 0 && !is_percpu) continue;
        if ((sections[i].flags & elf::shf_rela_livepatch) != 0) {
            // Before 5.8 all of them are left to the livepatch core.
            if (system_.features.applies_vmlinux_relocations_at_load)
                livepatch_.apply_section_relocs(module, i, {}, journal);
        } else if (sections[i].type == SHT_REL) {
            journal.refuse(ENOEXEC, fmt::format("module {}: REL relocation unsupported", module.name));
        } else if (sections[i].type == SHT_RELA) {
            apply_section(system_, module, i, {}, journal);
        }
    }
}

// post_relocation(), ftrace_module_init(), and what notifiers do before the init function runs.
void ModuleLoader::post_relocation(Module& module, Journal& journal) {
    check_first_symbol(module);
    auto outcome = module.relocator->finalize();
    if (outcome.refusal) refuse(*outcome.refusal, journal);
    arch::RunningFacts facts;
    facts.is_mapped = [&](std::uint64_t address) {
        const auto holds = [&](const auto& each) { return section_at(*each, address) != nullptr; };
        return system_.kernel.section_at(address) != nullptr || std::ranges::any_of(system_.modules, holds);
    };
    module.state = LoadState::coming;  // by then, its symbols are found
    const auto fault = arch::code_fault(system_.kernel.arch(), module.image, *system_.features.arch, facts);
    module.state = LoadState::unformed;
    if (fault) {
        if (fault->error != 0) refuse({fault->error, fault->messages, false, {}}, journal);
        throw Undefined{fmt::format("{}: {}+{:#x}: {}", module.name, module.image.sections[fault->section].name,
                                    fault->offset, fault->what)};
    }
    module.rewrites = arch::code_rewrites(system_.kernel.arch(), module.image, *system_.features.arch);
    arch::write_rewrites(module.image, module.rewrites);
}

}  // namespace klp::loader
