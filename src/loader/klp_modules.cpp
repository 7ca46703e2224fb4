// SPDX-License-Identifier: GPL-2.0-or-later
// Patched modules that come and go (kernel/livepatch/core.c: klp_module_coming, klp_module_going).
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "loader/livepatch_core.hpp"

namespace klp::loader {

namespace {

KlpObject* object_for(KlpPatch& patch, const Module& module) {
    const auto found = std::ranges::find_if(
        patch.objects, [&](const KlpObject& object) { return object.is_module() && object.name == module.name; });
    return found == patch.objects.end() ? nullptr : &*found;
}

// klp_free_object_loaded()
void forget_addresses(KlpObject& object) {
    object.module = nullptr;
    for (KlpFunc& function : object.functions) {
        function.old_address = 0;
        if (function.nop) function.new_address = 0;
    }
}

}  // namespace

void LivepatchCore::come_to(KlpPatch& patch, KlpObject& object, Module& module, Journal& journal) {
    object.module = &module;
    try {
        init_object_loaded(patch, object, journal);
    } catch (const Refused& refused) {
        journal.warning(fmt::format("livepatch: failed to initialize patch '{}' for module '{}' ({})",
                                    patch.module->name, module.name, -refused.error));
        throw;
    }
    journal.notice(
        fmt::format("livepatch: applying patch '{}' to loading module '{}'", patch.module->name, module.name));
    try {
        patch_object(object, journal);
    } catch (const Refused& refused) {
        journal.warning(fmt::format("livepatch: failed to apply patch '{}' to module '{}' ({})", patch.module->name,
                                    module.name, -refused.error));
        throw;
    }
}

void LivepatchCore::module_coming(Module& module, Journal& journal) {
    if (module.name == "vmlinux") journal.refuse(EINVAL, "livepatch: vmlinux.ko: invalid module name");
    module.klp_alive = true;
    for (KlpPatch* patch : active_) {
        KlpObject* object = object_for(*patch, module);
        if (object == nullptr) continue;
        try {
            come_to(*patch, *object, module, journal);
        } catch (const Refused&) {
            journal.warning(fmt::format("livepatch: patch '{}' failed for module '{}', refusing to load module '{}'",
                                        patch->module->name, module.name, module.name));
            module.klp_alive = false;
            object->module = nullptr;
            cleanup_module_patches(module, patch, journal);
            throw;
        }
    }
}

void LivepatchCore::module_going(Module& module, Journal& journal) {
    module.klp_alive = false;
    cleanup_module_patches(module, nullptr, journal);
}

// klp_cleanup_module_patches_limited()
void LivepatchCore::cleanup_module_patches(Module& module, const KlpPatch* limit, Journal& journal) {
    for (KlpPatch* patch : active_) {
        if (patch == limit) break;
        KlpObject* object = object_for(*patch, module);
        if (object == nullptr) continue;
        if (object->module == nullptr) {
            throw Undefined{fmt::format(
                "the livepatch core takes the name of a module that is not there, to revert patch '{}' of module '{}'",
                patch->module->name, module.name)};
        }
        journal.notice(fmt::format("livepatch: reverting patch '{}' on unloading module '{}'", patch->module->name,
                                   object->module->name));
        unpatch_object(*object, false);
        if (system_.features.clears_livepatch_relocations) write_object_relocs(*patch, *object, false, journal);
        forget_addresses(*object);
    }
}

}  // namespace klp::loader
