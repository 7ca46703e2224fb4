// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/livepatch_core.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "base/kernel_names.hpp"
#include "loader/kallsyms.hpp"
#include "loader/module_memory.hpp"

namespace klp::loader {

namespace {

// klp_find_func(): positions 0 and 1 are the same.
bool is_same_function(const KlpFunc& a, const KlpFunc& b) {
    return a.old_name == b.old_name && std::max<std::uint64_t>(a.sympos, 1) == std::max<std::uint64_t>(b.sympos, 1);
}

// klp_is_state_compatible()
bool is_state_compatible(const KlpPatch& patch, const KlpState& old_state) {
    const auto state = std::ranges::find(patch.states, old_state.id, &KlpState::id);
    return state == patch.states.end() ? !patch.replace : state->version >= old_state.version;
}

// kobject_add() of a name that is there already (fs/sysfs/dir.c:sysfs_warn_dup, lib/kobject.c:kobject_add_internal).
[[noreturn]] void refuse_duplicate(const std::string& folder, const std::string& name, bool has_prefix,
                                   Journal& journal) {
    journal.warning(fmt::format("sysfs: cannot create duplicate filename '/kernel/livepatch/{}/{}'", folder, name));
    journal.refuse(EEXIST,
                   fmt::format("{}kobject_add_internal failed for {} with -EEXIST, don't try to register things "
                               "with the same name in the same directory.",
                               has_prefix ? "kobject: " : "", name));
}

}  // namespace

const KlpPatch* LivepatchCore::patch_of(const Module& module) const {
    const auto found = std::ranges::find(patches_, &module, &KlpPatch::module);
    return found == patches_.end() ? nullptr : &*found;
}

void LivepatchCore::forget(const Module& module) {
    active_.remove_if([&](const KlpPatch* patch) { return patch->module == &module; });
    patches_.remove_if([&](const KlpPatch& patch) { return patch.module == &module; });
}

// klp_is_patch_compatible()
bool LivepatchCore::is_compatible(const KlpPatch& patch) const {
    return std::ranges::all_of(active_, [&](const KlpPatch* old_patch) {
        return std::ranges::all_of(old_patch->states,
                                   [&](const KlpState& state) { return is_state_compatible(patch, state); });
    });
}

void LivepatchCore::enable_patch(Module& module, Journal& journal) {
    KlpPatch patch = read_patch(module, system_);
    if (!module.is_livepatch)
        journal.refuse(EINVAL, fmt::format("livepatch: module {} is not marked as a livepatch module", module.name));
    if (!system_.features.reliable_stack) {
        journal.warning("livepatch: This architecture doesn't have support for the livepatch consistency model.");
        journal.warning("livepatch: The livepatch transition may never complete.");
    }
    if (!is_compatible(patch)) {
        journal.refuse(EINVAL,
                       fmt::format("livepatch: Livepatch patch ({}) is not compatible with the already installed "
                                   "livepatches.",
                                   module.name));
    }
    KlpPatch& kept = patches_.emplace_back(std::move(patch));
    ++module.references;
    try {
        init_patch(kept, journal);
        enable(kept, journal);
    } catch (const Refused&) {
        free_patch(kept);
        throw;
    }
}

// klp_init_patch()
void LivepatchCore::init_patch(KlpPatch& patch, Journal& journal) {
    if (patch.replace) add_nops(patch);
    std::set<std::string> names;
    for (KlpObject& object : patch.objects) {
        if (object.fault) throw Undefined{*object.fault};
        if (object.is_module() && object.name.size() >= module_name_size) throw Refused{EINVAL};
        if (!names.insert(object.display_name()).second)
            refuse_duplicate(patch.module->name, object.display_name(), system_.features.separate_memories, journal);
        init_object(patch, object, journal);
    }
    for (const KlpObject& object : patch.objects)
        if (object.callback_fault) throw Undefined{*object.callback_fault};
    active_.push_back(&patch);
}

// klp_add_nops(): functions that earlier patches replaced and this one does not go back to the original.
void LivepatchCore::add_nops(KlpPatch& patch) {
    for (const KlpPatch* old_patch : active_) {
        for (const KlpObject& old_object : old_patch->objects) {
            auto object = std::ranges::find(patch.objects, old_object.name, &KlpObject::name);
            if (object == patch.objects.end()) {
                object =
                    patch.objects.insert(patch.objects.end(), KlpObject{old_object.name, nullptr, false, true, {}});
            }
            for (const KlpFunc& old_function : old_object.functions) {
                const bool has_it = std::ranges::any_of(
                    object->functions, [&](const KlpFunc& each) { return is_same_function(each, old_function); });
                if (has_it) continue;
                KlpFunc& nop = object->functions.emplace_back(KlpFunc{old_function.old_name, old_function.sympos});
                nop.nop = true;
            }
        }
    }
}

// klp_init_object(), klp_init_func()
void LivepatchCore::init_object(const KlpPatch& patch, KlpObject& object, Journal& journal) {
    if (object.is_module()) {
        Module* module = system_.find_module(object.name);
        if (module != nullptr && module->klp_alive) object.module = module;
    }
    std::set<std::string> names;
    for (const KlpFunc& function : object.functions) {
        if (function.incomplete) throw Refused{EINVAL};
        if (function.fault) throw Undefined{*function.fault};
        if (function.old_name.size() >= symbol_name_size) throw Refused{EINVAL};
        const std::string name = fmt::format("{},{}", function.old_name, std::max<std::uint64_t>(function.sympos, 1));
        if (!names.insert(name).second) {
            refuse_duplicate(patch.module->name + '/' + object.display_name(), name, system_.features.separate_memories,
                             journal);
        }
    }
    if (object.is_loaded()) init_object_loaded(patch, object, journal);
}

// klp_init_object_loaded()
void LivepatchCore::init_object_loaded(const KlpPatch& patch, KlpObject& object, Journal& journal) {
    const Features& features = system_.features;
    if (object.is_module() || !features.applies_vmlinux_relocations_at_load)
        write_object_relocs(patch, object, true, journal);
    if (features.processes_arch_sections) process_arch_sections(*patch.module, object);
    for (KlpFunc& function : object.functions) {
        function.old_address = find_object_symbol(object.name, function.old_name, function.sympos, journal);
        const auto old_extent = lookup_size_offset(system_, function.old_address);
        if (!old_extent) {
            journal.refuse(ENOENT, fmt::format("livepatch: kallsyms size lookup failed for '{}'", function.old_name));
        }
        function.old_size = old_extent->size;
        if (function.nop) function.new_address = function.old_address;
        // What was freed is not used again at once (mm/vmalloc.c), so that nobody has the address.
        const bool is_freed = patch.module->init_freed && is_in_init_memory(*patch.module, function.new_address);
        const auto new_extent = is_freed ? std::nullopt : lookup_size_offset(system_, function.new_address);
        if (!new_extent) {
            journal.refuse(
                ENOENT, fmt::format("livepatch: kallsyms size lookup failed for '{}' replacement", function.old_name));
        }
        function.new_size = new_extent->size;
    }
}

// klp_check_stack_func() takes what is behind a function in the list of its address for what replaced it before: where
// one livepatch has two functions for it, that is the head of the list.
void LivepatchCore::check_stack_checks(const KlpPatch& patch) {
    std::map<std::uint64_t, std::string_view> names;
    for (const KlpObject& object : patch.objects) {
        for (const KlpFunc& function : object.functions) {
            if (!function.patched) continue;
            const auto [other, is_first] = names.emplace(function.old_address, function.old_name);
            if (is_first) continue;
            throw Undefined{
                fmt::format("{}: '{}' and '{}' are two names of one function: "
                            "kernel/livepatch/transition.c:klp_check_stack_func() takes the head of a list "
                            "for a klp_func, and the transition may never end",
                            patch.module->name, other->second, function.old_name)};
        }
    }
}

// __klp_enable_patch(), klp_start_transition()
void LivepatchCore::enable(KlpPatch& patch, Journal& journal) {
    const std::string& name = patch.module->name;
    journal.notice(fmt::format("livepatch: enabling patch '{}'", name));
    for (KlpObject& object : patch.objects) {
        if (!object.is_loaded()) continue;
        try {
            patch_object(object, journal);
        } catch (const Refused&) {
            journal.warning(fmt::format("livepatch: failed to patch object '{}'", object.display_name()));
            journal.warning(fmt::format("livepatch: failed to enable patch '{}'", name));
            for (KlpObject& each : patch.objects) unpatch_object(each, false);
            journal.notice(fmt::format("livepatch: '{}': unpatching complete", name));
            throw;
        }
    }
    journal.notice(fmt::format("livepatch: '{}': starting patching transition", name));
    check_stack_checks(patch);
    patch.enabled = true;
    complete_patching(patch, journal);
}

// klp_free_func_nop() takes each nop for one that klp_alloc_func_nop() has made.
void LivepatchCore::free_nops(const KlpPatch& patch) const {
    for (const KlpObject& object : patch.objects)
        for (const KlpFunc& function : object.functions)
            if (function.nop && function.of_module)
                throw Undefined{
                    fmt::format("{}: the entry of '{}' in the module's own table is freed like one that was "
                                "allocated (kernel/livepatch/core.c:klp_free_func_nop)",
                                patch.module->name, function.old_name)};
}

// klp_complete_transition() of a patch that is being enabled: klp_unpatch_replaced_patches(), klp_discard_nops(), and
// klp_free_replaced_patches_async().
void LivepatchCore::complete_patching(KlpPatch& patch, Journal& journal) {
    const PatchList earlier(active_.begin(), std::ranges::find(active_, &patch));
    if (patch.replace) {
        for (KlpPatch* old_patch : earlier) {
            old_patch->enabled = false;
            old_patch->replaced = true;
            for (KlpObject& object : old_patch->objects) unpatch_object(object, false);
        }
        free_nops(patch);
        for (KlpObject& object : patch.objects) {
            unpatch_object(object, true);
            std::erase_if(object.functions, [](const KlpFunc& function) { return function.nop; });
        }
        std::erase_if(patch.objects, [](const KlpObject& object) { return object.dynamic; });
    }
    journal.notice(fmt::format("livepatch: '{}': patching complete", patch.module->name));
    if (patch.replace) std::ranges::for_each(earlier, [&](KlpPatch* old_patch) { free_patch(*old_patch); });
}

// __klp_disable_patch()
void LivepatchCore::disable(KlpPatch& patch, Journal& journal) {
    const std::string& name = patch.module->name;
    journal.notice(fmt::format("livepatch: '{}': starting unpatching transition", name));
    patch.enabled = false;
    for (KlpObject& object : patch.objects) unpatch_object(object, false);
    journal.notice(fmt::format("livepatch: '{}': unpatching complete", name));
    free_patch(patch);
}

// klp_free_patch_start(), klp_free_patch_finish(): its folder in sysfs goes, so that it is never enabled again.
void LivepatchCore::free_patch(KlpPatch& patch) {
    free_nops(patch);
    active_.remove(&patch);
    --patch.module->references;
}

// enabled_store(), with what open() says of a file that is not there.
void LivepatchCore::store_enabled(std::string_view name, bool enabled, Journal& journal) {
    const auto found =
        std::ranges::find_if(active_, [&](const KlpPatch* patch) { return patch->module->name == name; });
    if (found == active_.end()) throw Refused{ENOENT};
    if ((*found)->enabled == enabled) throw Refused{EINVAL};
    disable(**found, journal);
}

}  // namespace klp::loader
