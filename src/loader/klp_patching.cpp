// SPDX-License-Identifier: GPL-2.0-or-later
// Functions put under ftrace, and taken off again (kernel/livepatch/patch.c).
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "loader/livepatch_core.hpp"
#include "loader/module_memory.hpp"

namespace klp::loader {

void LivepatchCore::check_freed_code(const Module& module) const {
    const KlpPatch* patch = patch_of(module);
    if (patch == nullptr) return;
    for (const KlpObject& object : patch->objects) {
        for (const KlpFunc& function : object.functions) {
            if (!function.patched || !is_in_init_memory(module, function.new_address)) continue;
            throw Undefined{fmt::format(
                "{}: the replacement of '{}' is in init memory, which is freed while the function is patched "
                "(kernel/module/main.c:do_init_module)",
                module.name, function.old_name)};
        }
    }
}

// ftrace forgot the function with the init memory that it was in, and the livepatch core keeps it in its lists for
// good.
void LivepatchCore::check_still_traced(const KlpObject& object, const KlpFunc& function) const {
    const bool is_gone = object.module != nullptr && object.module->init_freed &&
                         is_in_init_memory(*object.module, function.old_address);
    const auto stack = stacks_.find(function.old_address);
    if (!is_gone || stack == stacks_.end() || stack->second.size() != 1) return;
    throw Undefined{fmt::format(
        "{}: '{}' was in init memory, which is freed: WARN in kernel/livepatch/patch.c:klp_unpatch_func, which "
        "leaves it among the patched functions",
        object.name, function.old_name)};
}

// klp_patch_func()
void LivepatchCore::patch_function(KlpFunc& function, Journal& journal) {
    auto& stack = stacks_[function.old_address];
    function.hook = stack.empty() ? call_sites_.hook_of(function.old_address) : stack.front()->hook;
    if (function.hook.where == kernel::Hook::Where::none) {
        stacks_.erase(function.old_address);
        journal.refuse(EINVAL, fmt::format("livepatch: failed to find location for function '{}'", function.old_name));
    }
    if (function.hook.where == kernel::Hook::Where::elsewhere)
        journal.report().not_replaced.push_back({function.old_name, function.old_address, function.hook});
    stack.push_back(&function);
    function.patched = true;
}

// klp_unpatch_func()
void LivepatchCore::unpatch_function(KlpFunc& function) {
    const auto stack = stacks_.find(function.old_address);
    if (stack != stacks_.end()) {
        std::erase(stack->second, &function);
        if (stack->second.empty()) stacks_.erase(stack);
    }
    function.patched = false;
}

std::vector<arch::Range> LivepatchCore::hooked_functions() const {
    std::vector<arch::Range> functions;
    for (const auto& [address, stack] : stacks_) {
        const std::uint64_t size = stack.empty() ? 0 : stack.front()->old_size;
        functions.push_back({address, address + std::max<std::uint64_t>(size, 1)});
    }
    return functions;
}

// __klp_unpatch_object()
void LivepatchCore::unpatch_object(KlpObject& object, bool nops_only) {
    for (KlpFunc& function : object.functions) {
        if (!function.patched || (nops_only && !function.nop)) continue;
        check_still_traced(object, function);
        unpatch_function(function);
    }
    if (object.dynamic || !nops_only) object.patched = false;
}

void LivepatchCore::patch_object(KlpObject& object, Journal& journal) {
    try {
        for (KlpFunc& function : object.functions) patch_function(function, journal);
    } catch (const Refused&) {
        unpatch_object(object, false);
        throw;
    }
    object.patched = true;
}

}  // namespace klp::loader
