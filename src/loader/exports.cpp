// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/exports.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace klp::loader {

namespace {

std::optional<FoundSymbol> find_in_vmlinux(const System& system, std::string_view name) {
    const kernel::Export* exported = system.kernel.exports().find(name);
    if (exported == nullptr || exported->module != "vmlinux") return std::nullopt;
    const auto address = system.kernel.symbols().linked_address(name);
    if (!address) return std::nullopt;
    FoundSymbol found{*address, nullptr, exported->gpl_only, std::string(exported->name_space), {}};
    if (system.features.modversions) found.crc = exported->crc;
    return found;
}

bool same_module_name(std::string_view a, std::string_view b) {  // mod_strncmp()
    const auto normal = [](char c) { return c == '-' ? '_' : c; };
    return std::ranges::equal(a, b, {}, normal, normal);
}

// kernel/module/main.c:verify_module_namespace, "module:kvm,kvm-*" (since 6.16).
bool is_meant_for(std::string_view name_space, std::string_view module) {
    constexpr std::string_view prefix = "module:";
    if (!name_space.starts_with(prefix)) return false;
    for (name_space.remove_prefix(prefix.size()); !name_space.empty();) {
        std::string_view pattern = name_space.substr(0, name_space.find(','));
        name_space.remove_prefix(std::min(pattern.size() + 1, name_space.size()));
        const bool glob = pattern.ends_with('*');
        if (glob) pattern.remove_suffix(1);
        if (glob ? same_module_name(pattern, module.substr(0, pattern.size())) : same_module_name(pattern, module))
            return true;
    }
    return false;
}

// kernel/module/main.c:verify_namespace_is_imported
void verify_namespace(const System& system, const Module& module, std::string_view name, const FoundSymbol& found,
                      Journal& journal) {
    if (found.name_space.empty()) return;
    if (system.features.separate_memories && is_meant_for(found.name_space, module.name)) return;
    const auto imported = module.file.modinfo_values(module.index.modinfo, "import_ns");
    if (std::ranges::find(imported, found.name_space) != imported.end()) return;
    auto text = fmt::format("{}: module uses symbol ({}) from namespace {}, but does not import it.", module.name, name,
                            found.name_space);
    if (!system.features.allows_missing_namespaces) journal.refuse(EINVAL, std::move(text));
    journal.warning(std::move(text));
}

// kernel/module/main.c:inherit_taint
bool inherit_taint(Module& module, const Module* owner, std::string_view name, Journal& journal) {
    if (owner == nullptr || !owner->proprietary) return true;
    if (module.using_gpl_only_symbols) {
        journal.error(fmt::format("{}: module using GPL-only symbols uses symbols {} from proprietary module {}.",
                                  module.name, name, owner->name));
        return false;
    }
    if (!module.proprietary) {
        journal.warning(fmt::format("{}: module uses symbols {} from proprietary module {}, inheriting taint.",
                                    module.name, name, owner->name));
        module.proprietary = true;
    }
    return true;
}

// kernel/module/main.c:ref_module
void use(Module& module, Module* owner) {
    if (owner == nullptr || std::ranges::find(module.uses, owner) != module.uses.end()) return;
    module.uses.push_back(owner);
    ++owner->users;
}

}  // namespace

std::optional<FoundSymbol> find_symbol(const System& system, std::string_view name, bool gpl_ok) {
    auto found = find_in_vmlinux(system, name);
    if (found && (gpl_ok || !found->gpl_only)) return found;
    for (const auto& module : system.modules) {
        if (module->state == LoadState::unformed) continue;
        for (const ModuleExport& each : module->exports) {
            if (each.name == name && (gpl_ok || !each.gpl_only))
                return FoundSymbol{each.address, module.get(), each.gpl_only, each.name_space, each.crc};
        }
    }
    return std::nullopt;
}

std::optional<std::uint64_t> resolve_symbol(System& system, Module& module, std::string_view name, Journal& journal) {
    const auto found = find_symbol(system, name, !module.proprietary);
    if (!found) return std::nullopt;
    if (found->gpl_only) module.using_gpl_only_symbols = true;
    if (!inherit_taint(module, found->owner, name, journal)) return std::nullopt;
    if (!check_version(system, module, name, found->crc, journal)) throw Refused{EINVAL};
    verify_namespace(system, module, name, *found, journal);
    use(module, found->owner);
    return found->address;
}

void verify_exported_symbols(const System& system, const Module& module, Journal& journal) {
    for (const ModuleExport& each : module.exports) {
        const auto found = find_symbol(system, each.name, true);
        if (!found) continue;
        journal.refuse(ENOEXEC, fmt::format("{}: exports duplicate symbol {} (owned by {})", module.name, each.name,
                                            found->owner == nullptr ? "kernel" : found->owner->name));
    }
}

}  // namespace klp::loader
