// SPDX-License-Identifier: GPL-2.0-or-later
// What differs between kernels in the module loader and the livepatch core, as the model goes by it: what was found out
// of the kernel (kernel/features.hpp), what the user wants otherwise, and what stands in for what nothing tells.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "arch/ftrace_sites.hpp"
#include "kernel/features.hpp"
#include "loader/simulation.hpp"

namespace klp::loader {

struct Features : kernel::LoaderFeatures {
    std::shared_ptr<const arch::KernelFeatures> arch;
    arch::FtraceSites ftrace_sites;
    // Since 6.4: seven areas of memory for a module (enum mod_mem_type) in place of a core and an init one; and with
    // it load_module() looks for a module of that name before it lays out, and taints after it has a place in the list.
    bool separate_memories = false;
    bool static_call_inline = false;
    bool init_sections = true;  // sections of that name are freed after init
    std::uint64_t page_bytes = 4096;
    std::uint64_t percpu_reserved = 8192;                 // PERCPU_MODULE_RESERVE
    std::uint64_t first_address = 0xffff'8000'0000'0000;  // where the allocator looks for memory first
    std::optional<std::uint64_t> module_size;             // sizeof(struct module); checked where strict_elf_checks
};

[[nodiscard]] Features features_from(const kernel::Features& probed, const arch::ModuleLoading& loading,
                                     const Options& options);
[[nodiscard]] Features features_of(const kernel::Kernel& kernel, const Options& options);

}  // namespace klp::loader
