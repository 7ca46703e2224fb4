// SPDX-License-Identifier: GPL-2.0-or-later
// What differs between kernels in the module loader and the livepatch core, as far as the model knows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "arch/kernel_features.hpp"
#include "kernel/kernel.hpp"
#include "loader/simulation.hpp"

namespace klp::loader {

struct Features {
    arch::KernelFeatures arch;

    // Since 6.4: seven areas of memory for a module (enum mod_mem_type) in place of a core and an init one; and with
    // it load_module() looks for a module of that name before it lays out, and taints after it has a place in the list.
    bool separate_memories = false;
    // elf_validity_cache_copy(): sections that must be there once, string tables that must be sound.
    bool strict_elf_checks = false;
    // Relocations of .data..percpu are applied, to the template that each CPU's copy is made from.
    bool relocates_percpu = false;
    // One __ksymtab, with flags beside it, in place of a second table for GPL-only symbols (7.x).
    bool export_flags = false;
    // .static_call_sites are read-only after init.
    bool static_call_sites_ro_after_init = false;
    // An -EEXIST of a module's init function is told as -EBUSY, for it means that the module is there already.
    bool init_eexist_is_busy = false;
    // "symbol %s at rela sec %u idx %d is not marked as a livepatch symbol".
    bool livepatch_symbol_message_names_index = false;
    // klp_clear_object_relocs() on a patched module that goes. Whether there is anything to clear is the
    // architecture's matter (arch::ModuleRelocator::clear).
    bool clears_relocations = false;

    bool livepatch = true;       // CONFIG_LIVEPATCH
    bool reliable_stack = true;  // klp_have_reliable_stack()
    bool smp = true;
    bool kallsyms_all = true;
    bool strict_rwx = true;     // CONFIG_STRICT_MODULE_RWX: text and rodata of live modules are read-only
    bool module_unload = true;  // without it, .exit sections are init sections
    bool force_load = false;    // CONFIG_MODULE_FORCE_LOAD
    bool modversions = false;
    bool module_sig = false;
    bool module_sig_force = false;
    bool needs_retpoline =
        false;  // a module without retpolines is complained of (CONFIG_RETPOLINE, a CPU that needs it)
    bool allows_missing_namespaces = false;
    bool prel32 = false;  // struct kernel_symbol has 32-bit offsets (CONFIG_HAVE_ARCH_PREL32_RELOCATIONS)
    bool static_call_inline = false;
    bool init_sections = true;  // powerpc: no section is an init section (module_64.c:module_init_section)
    std::uint64_t page_size = 4096;
    std::uint64_t percpu_reserved = 8192;  // PERCPU_MODULE_RESERVE
    std::uint64_t module_area = 0;         // where the allocator looks for memory first, in a kernel that was not moved
    std::string vermagic;                  // empty: unknown, and not checked
    std::optional<std::uint64_t> module_size;  // sizeof(struct module); checked where strict_elf_checks
};

[[nodiscard]] Features features_of(const kernel::Kernel& kernel, const Options& options);

}  // namespace klp::loader
