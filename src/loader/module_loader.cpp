// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/module_loader.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>

#include "base/kernel_names.hpp"
#include "loader/btf.hpp"
#include "loader/elf_checks.hpp"
#include "loader/exports.hpp"
#include "loader/kallsyms.hpp"
#include "loader/klp_names.hpp"
#include "loader/module_image.hpp"
#include "loader/module_memory.hpp"

namespace klp::loader {

namespace {

bool has_symbol(const Module& module, std::string_view name, bool defined) {
    return std::ranges::any_of(module.image.symbols, [&](const arch::ImageSymbol& symbol) {
        return symbol.name == name && (symbol.section_index != SHN_UNDEF) == defined;
    });
}

// Whether code or data of the module leads to the function, for its init function to call.
bool refers_to_enable_patch(const Module& module) {
    const auto is_it = [&](const arch::ImageRelocation& relocation) {
        if (relocation.symbol >= module.image.symbols.size()) return false;
        const arch::ImageSymbol& symbol = module.image.symbols[relocation.symbol];
        const auto livepatch = scan_symbol_name(symbol.name);
        return (livepatch ? livepatch->symbol : symbol.name) == "klp_enable_patch";
    };
    return std::ranges::any_of(module.image.sections, [&](const arch::ImageSection& section) {
        const bool is_applied = section.info < module.layout.places.size() && module.layout.places[section.info];
        return is_applied && std::ranges::any_of(section.relocations, is_it);
    });
}

// A pointer of struct module, where its place is known.
std::optional<std::uint64_t> read_pointer(const Module& module, const std::optional<std::uint64_t>& field) {
    if (!field) return std::nullopt;
    const arch::ImageSection& section = module.image.sections[module.index.this_module];
    if (section.memory.size() < *field + 8) return std::nullopt;
    return word_at(module, section.address + *field);
}

std::optional<std::uint64_t> pointer_of(const Module& module, const std::optional<std::uint64_t>& field) {
    return as_undefined([&] { return read_pointer(module, field); });
}

bool module_has_init(const Module& module, const Features& features) {
    const auto pointer = pointer_of(module, features.module_init);
    return pointer ? *pointer != 0 : has_symbol(module, "init_module", true);
}
bool module_has_exit(const Module& module, const Features& features) {
    const auto pointer = pointer_of(module, features.module_exit);
    return pointer ? *pointer != 0 : has_symbol(module, "cleanup_module", true);
}

// What is called has to be a function, where code may run. The model knows what a livepatch's own does, and no other.
void check_entry(const Module& module, const std::optional<std::uint64_t>& field, std::string_view usual) {
    const auto pointer = pointer_of(module, field);
    if (!pointer) return;
    const bool is_usual = has_symbol(module, usual, true);
    const auto begins = [&](const arch::ImageSymbol& symbol) {
        return symbol.section_index != SHN_UNDEF && symbol.value == *pointer &&
               (is_usual ? symbol.name == usual : !symbol.name.empty());
    };
    const arch::ImageSection* section = section_at(module, *pointer);
    const bool runs = section != nullptr && (section->flags & SHF_EXECINSTR) != 0;
    if (runs && std::ranges::any_of(module.image.symbols, begins)) return;
    throw Undefined{fmt::format("{}: struct module has {:#x} for a function to call: {}", module.name, *pointer,
                                runs ? "that is another function than its own" : "no code may run there")};
}

// kernel/module/sysfs.c:add_sect_attrs(): a file for each section. Before 6.14 nobody asks whether it was made.
void add_section_files(const Module& module, const Features& features, Journal& journal) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < module.image.sections.size(); ++i) {
        const arch::ImageSection& section = module.image.sections[i];
        const bool is_shown = module.layout.places[i].has_value() && section.size != 0;
        if (!is_shown || names.insert(section.name).second) continue;
        journal.warning(
            fmt::format("sysfs: cannot create duplicate filename '/module/{}/sections/{}'", module.name, section.name));
        if (features.strict_elf_checks) throw Refused{EEXIST};
        return;
    }
}

// enum module_state, where the kernel keeps it.
void write_state(const Module& module, const Features& features, std::uint32_t state) {
    const MutableBytes memory = module.image.sections[module.index.this_module].memory;
    if (!features.layout || features.layout->module_list == 0 || memory.size() < sizeof(state)) return;
    store(memory.subspan(features.layout->module_state), state, module.image.order);
}

// struct module is all there, and where the loader can write to it.
void check_this_module(const Module& module, const Features& features) {
    const arch::ImageSection& section = module.image.sections[module.index.this_module];
    const auto refuse = [&](std::uint64_t offset, std::string_view why) {
        throw Undefined{fmt::format("{}: {}+{:#x}: {}", module.name, section.name, offset, why)};
    };
    const auto& place = module.layout.places[module.index.this_module];
    if (features.strict_module_rwx && place && place->area != Area::data)
        refuse(0, "kernel/module/main.c:complete_formation() would write to struct module, which is read-only");
    if (!features.layout) return;
    if (section.memory.size() < features.layout->module_size)
        refuse(section.memory.size(), "struct module is longer than its section: the loader would use what follows it");
}

// What modpost sets of struct module is its name and its functions. Most of the rest is set or cleared by the kernel;
// it adds to the sizes of its memory, and what sysfs finds of its own it takes for what it has put there.
void check_private_fields(const Module& module, const Features& features) {
    if (!features.layout) return;
    const kernel::StructLayout& layout = *features.layout;
    const arch::ImageSection& section = module.image.sections[module.index.this_module];
    const auto check = [&](std::uint64_t from, std::uint64_t to) {
        for (std::uint64_t at = from; at < std::min<std::uint64_t>(to, section.memory.size()); ++at)
            if (section.memory[at] != std::byte{0})
                throw Undefined{
                    fmt::format("{}: {}+{:#x}: not zero in the file, and the kernel takes it for what it "
                                "has put into struct module itself",
                                module.name, section.name, at)};
    };
    constexpr std::uint64_t size_bytes = 4;
    check(layout.module_folders, layout.module_folders_end);
    for (const std::uint64_t size : features.module_sizes) check(size, size + size_bytes);
}

}  // namespace

// struct kernel_param_ops of the module's own: flags, then functions to set, get and free.
bool ModuleLoader::are_operations(const Module& module, std::uint64_t address) const {
    if (section_at(module, address) == nullptr) return true;
    if (memory_from(module, address).size() < 32) return false;
    const std::array<std::uint64_t, 3> functions = {word_at(module, address + 8), word_at(module, address + 16),
                                                    word_at(module, address + 24)};
    return std::ranges::all_of(functions, [&](std::uint64_t each) {
        return each == 0 || section_at(module, each) != nullptr || system_.kernel.section_at(each) != nullptr;
    });
}

// struct kernel_param: name, module, operations, …; sysfs reads the name, and destroy_params() the operations.
void ModuleLoader::check_parameters(const Module& module) const {
    constexpr std::uint64_t entry_size = 40, operations_field = 16, permissions_field = 24;
    constexpr unsigned most_permissions = 010664;  // SYSFS_PREALLOC, and what fs/sysfs/group.c:create_files() takes
    const arch::ImageSection* table = loaded_section(module, "__param");
    if (table == nullptr) return;
    for (std::uint64_t at = 0; at + entry_size <= table->memory.size(); at += entry_size) {
        const auto refuse = [&](std::string_view why) {
            throw Undefined{fmt::format("{}: __param+{:#x}: {}", module.name, at, why)};
        };
        const std::uint64_t name = word_at(module, table->address + at);
        const std::uint64_t operations = word_at(module, table->address + at + operations_field);
        if (section_at(module, name) == nullptr && system_.kernel.section_at(name) == nullptr)
            refuse("kernel/params.c:module_param_sysfs_setup() would read a name where nothing is");
        const auto begins = [&](const arch::ImageSymbol& symbol) {
            return symbol.value == operations && symbol.section_index != SHN_UNDEF && !symbol.name.empty();
        };
        const auto extent = lookup_size_offset(system_, operations);
        const bool is_symbol = (extent && extent->offset == 0) || std::ranges::any_of(module.image.symbols, begins);
        if (operations == 0 || !is_symbol || !are_operations(module, operations))
            refuse("kernel/params.c:destroy_params() would call what is no operation of a parameter");
        const auto permissions =
            klp::load<std::uint16_t>(table->memory.subspan(at + permissions_field), module.image.order);
        if ((permissions & ~most_permissions) != 0)
            refuse(fmt::format("WARN() in fs/sysfs/group.c:create_files(): permissions {:#o}", permissions));
    }
}

void ModuleLoader::load(const fs::path& path, Journal& journal) {
    auto owned = std::make_unique<Module>(ModuleFile(path, system_.kernel.vmlinux().order()));
    Module& module = *owned;
    module.loaded.path = path;
    journal.report().module = module_name_of_path(path.native());
    system_.modules.push_back(std::move(owned));
    try {
        load_module(module, journal);
        init(module, journal);
    } catch (...) {
        free_module(module);
        throw;
    }
}

void ModuleLoader::load_module(Module& module, Journal& journal) {
    as_undefined([&] { early_checks(module, journal); });
    lay_out_and_allocate(module, journal);
    as_undefined([&] {
        check_duplicate(module);
        const bool was_proprietary = system_.taints.proprietary;
        if (system_.features.separate_memories) {
            taint(module, journal);
            set_license(module, journal);
        }
        taint_as_unsigned(module, journal);
        // module_augment_kernel_taints() compares before and after; before 6.4 the license has been looked at by then.
        if (system_.features.separate_memories && system_.taints.proprietary && !was_proprietary)
            journal.warning(module.name + ": module license taints kernel.");
        allocate_percpu(module, journal);
        tell_obsolete_sections(module, journal);
        check_exports(module, journal);
        check_imports(module, journal);
        simplify_symbols(module, journal);
        check_private_fields(module, system_.features);
        apply_relocations(module, journal);
        check_this_module(module, system_.features);
        if (system_.features.kallsyms_all) check_parameters(module);
        post_relocation(module, journal);
        module.exports = read_exports(module, system_.features);
        verify_exported_symbols(system_, module, journal);
        module.state = LoadState::coming;
        write_state(module, system_.features, 1);
        livepatch_.module_coming(module, journal);
        try {
            check_btf(module, journal);
            add_section_files(module, system_.features, journal);
        } catch (const Refused&) {
            livepatch_.module_going(module, journal);
            throw;
        }
    });
}

// What is done before memory is allocated.
void ModuleLoader::early_checks(Module& module, Journal& journal) {
    check_signature(module, journal);
    check_elf(module, system_.kernel.arch(), system_.features, journal);
    journal.report().module = module.loaded.name = module.name;
    const auto layout_symbol = find_symbol(system_, "module_layout", true);  // check_modstruct_version()
    if (layout_symbol && !check_version(system_, module, "module_layout", layout_symbol->crc, journal))
        throw Refused{ENOEXEC};
    check_modinfo(module, journal);
    if (system_.features.separate_memories) check_duplicate(module);
}

// kernel/bpf/btf.c:btf_module_notify. Whatever the section's flags are, it counts by its name.
void ModuleLoader::check_btf(const Module& module, Journal& journal) {
    if (!system_.features.btf_modules) return;
    const auto& sections = module.image.sections;
    const auto named = std::ranges::find(sections, ".BTF", &arch::ImageSection::name);
    if (named == sections.end() || named->size == 0) return;
    const auto& header = module.file.sections()[static_cast<std::size_t>(named - sections.begin())];
    const auto fault = find_btf_fault(module.file.content(header), module.file.order());
    if (!fault) return;
    journal.error(fmt::format("BPF: {}", fault->text));
    const bool is_told_once = system_.features.tells_btf_mismatch_once && system_.features.allows_btf_mismatch;
    if (!is_told_once) {
        journal.warning(fmt::format("failed to validate module [{}] BTF: {}", module.name, -fault->error));
    } else if (!system_.taints.told_btf_mismatch) {
        system_.taints.told_btf_mismatch = true;
        journal.warning("Kernel module BTF mismatch detected, BTF debug info may be unavailable for some modules");
    }
    if (!system_.features.allows_btf_mismatch) throw Refused{fault->error};
}

// add_unformed_module(), module_patient_check_exists()
void ModuleLoader::check_duplicate(const Module& module) const {
    const bool exists = std::ranges::any_of(
        system_.modules, [&](const auto& each) { return each.get() != &module && each->name == module.name; });
    if (exists) throw Refused{EEXIST};
}

// find_module_sections()
void ModuleLoader::tell_obsolete_sections(const Module& module, Journal& journal) const {
    const auto tell = [&](std::string_view name, std::string text) {
        if (find_allocated(module.file, name) != 0) journal.warning(fmt::format("{}: {}", module.name, text));
    };
    if (system_.features.export_flags) {
        for (const std::string_view each : {"__ksymtab_gpl", "__kcrctab_gpl"})
            tell(each, fmt::format("ignoring obsolete section {}", each));
    }
    tell("__obsparm", "Ignoring obsolete parameters");
}

// check_module_license_and_versions(), check_export_symbol_sections()
void ModuleLoader::check_exports(Module& module, Journal& journal) {
    const auto size_of = [&](std::string_view name) {
        const auto index = find_allocated(module.file, name);
        return index == 0 ? 0 : module.file.sections()[index].size;
    };
    const Features& features = system_.features;
    const auto lacks = [&](std::string_view symbols, std::string_view other) {
        return size_of(symbols) != 0 && find_allocated(module.file, other) == 0;
    };
    if (features.export_flags && lacks("__ksymtab", "__kflagstab"))
        journal.refuse(ENOEXEC, module.name + ": no flags for exported symbols");
    if (!features.modversions) return;
    if (!lacks("__ksymtab", "__kcrctab") && (features.export_flags || !lacks("__ksymtab_gpl", "__kcrctab_gpl"))) return;
    if (!try_to_force_load(system_, module, "no versions for exported symbols", journal)) throw Refused{ENOEXEC};
}

// do_init_module(). The init function of a livepatch calls klp_enable_patch(), where it can.
void ModuleLoader::init(Module& module, Journal& journal) {
    if (module_has_init(module, system_.features)) check_entry(module, system_.features.module_init, "init_module");
    try {
        if (module_has_init(module, system_.features) && refers_to_enable_patch(module))
            livepatch_.enable_patch(module, journal);
    } catch (const Refused& refused) {
        module.state = LoadState::going;
        livepatch_.module_going(module, journal);
        throw Refused{refused.error == EEXIST && system_.features.init_eexist_is_busy ? EBUSY : refused.error};
    }
    module.state = LoadState::live;
    write_state(module, system_.features, 0);
    module.init_freed = true;
    livepatch_.check_freed_code(module);
    for (std::size_t i = 0; i < module.layout.blocks.size(); ++i) {
        if (module.layout.blocks[i].init && module.layout.blocks[i].size != 0)
            system_.space.release(module.block_addresses[i]);
    }
}

// delete_module()
void ModuleLoader::unload(std::string_view name, Journal& journal) {
    if (!system_.features.module_unload) throw Refused{ENOSYS};
    Module* module = system_.find_module(name);
    if (module == nullptr) throw Refused{ENOENT};
    if (module->users != 0) throw Refused{EWOULDBLOCK};
    const bool has_exit = module_has_exit(*module, system_.features);
    if (module_has_init(*module, system_.features) && !has_exit) throw Refused{EBUSY};
    if (module->references != 0) throw Refused{EWOULDBLOCK};
    if (has_exit) check_entry(*module, system_.features.module_exit, "cleanup_module");
    module->state = LoadState::going;
    livepatch_.module_going(*module, journal);
    free_module(*module);
}

void ModuleLoader::free_module(Module& module) {
    livepatch_.forget(module);
    for (Module* used : module.uses) --used->users;
    for (std::size_t i = 0; i < module.block_addresses.size(); ++i) {
        const MemoryBlock& block = module.layout.blocks[i];
        if (block.size != 0 && !(block.init && module.init_freed)) system_.space.release(module.block_addresses[i]);
    }
    std::erase_if(system_.modules, [&](const auto& each) { return each.get() == &module; });
}

}  // namespace klp::loader
