// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "arch/kernel_features.hpp"
#include "arch/kernel_sort.hpp"

namespace klp::arch::arm64 {

// What arm64 kernels do differently. The defaults are those of 7.x: earlier ones cannot livepatch.
struct Features final : KernelFeatures {
    HeapSort sort = HeapSort::takes_two;

    // A CPU with the erratum: no ADRP in the last two words of a page (ARM64_WORKAROUND_843419).
    bool erratum_843419 = false;
    // CONFIG_MODULE_UNLOAD; without it .exit sections belong to the init area.
    bool module_unload = true;
    // FTRACE_ADDR, the address of ftrace_caller; nullopt without CONFIG_DYNAMIC_FTRACE.
    std::optional<std::uint64_t> ftrace_caller{};
    // .init.text has a trampoline of its own.
    bool init_ftrace_trampoline = true;
    // pr_fmt() of module.c, which earlier kernels do not have.
    std::string message_prefix = "Modules: ";
    // CONFIG_DYNAMIC_FTRACE_WITH_CALL_OPS: room for a pointer before each function, which names the ops of the site.
    bool ftrace_call_ops = true;
    // Of the running kernel: &ftrace_nop_ops, which that pointer starts as.
    std::optional<std::uint64_t> ftrace_nop_ops{};
    // `paciasp` becomes a push to the shadow call stack on CPUs without pointer authentication
    // (CONFIG_UNWIND_PATCH_PAC_INTO_SCS).
    bool dynamic_scs = false;

    [[nodiscard]] Json to_json() const override;
    [[nodiscard]] std::shared_ptr<const KernelFeatures> with(const FeatureOverrides& overrides) const override;
};

}  // namespace klp::arch::arm64
