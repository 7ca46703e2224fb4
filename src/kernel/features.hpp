// SPDX-License-Identifier: GPL-2.0-or-later
// What a kernel's code does where kernels differ, found out from the kernel itself: symbols and messages in its image,
// its config, its source, and its headers, compiled. No version number is looked at. This is the only probe: the loader
// model, the rules of klp check and the makers of livepatches take what it gives.
//
//   const Features& features = probe(kernel);
//   kernel.arch().module_loading().relocator(image, *features.arch);
//
// A kernel is asked once; the answers are kept in its cache folder.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arch/kernel_probe.hpp"
#include "kernel/kernel.hpp"
#include "kernel/struct_layout.hpp"

namespace klp::kernel {

// A module's memory: core and init, with text, rodata, and data in each; or one piece for each enum mod_mem_type
// (since 6.4).
enum class ModuleAreas : std::uint8_t { core_and_init, by_type };

// What the module loader and the livepatch core have in common on all architectures.
struct LoaderFeatures {
    std::optional<ModuleAreas> areas{};
    // klp_clear_object_relocs() when the patched module goes. What it clears is the architecture's matter
    // (arch::ModuleRelocator::clear).
    bool clears_livepatch_relocations = false;
    // .klp.rela.vmlinux.* are applied by load_module(), before the module's alternatives and the like (since 5.8).
    // Without: by klp_init_object_loaded(), as for any other object.
    bool applies_vmlinux_relocations_at_load = false;
    // arch_klp_init_object_loaded() on .klp.arch sections (4.6 to 5.7).
    bool processes_arch_sections = false;
    // "invalid access to vmlinux symbol '%s' from module-specific livepatch relocation section" (since 5.8).
    bool keeps_vmlinux_symbols_apart = false;
    // elf_validity_cache_copy(): sections that must be there once, string tables that must be sound.
    bool strict_elf_checks = false;
    // Relocations of .data..percpu are applied, to the template that each CPU's copy is made from.
    bool relocates_percpu = false;
    // One __ksymtab, with flags beside it, in place of a second table for GPL-only symbols (7.x).
    bool export_flags = false;
    // module_mark_ro_after_init(): arch::Sealed::after_init_if_marked.
    bool marks_ro_after_init = false;
    // kernel/module/kallsyms.c:find_kallsyms_symbol() takes no symbol of other memory of the module than the address is
    // in.
    bool kallsyms_within_memory = false;
    // klp_check_patch(): functions without names are refused before anything else is looked at.
    bool checks_names_first = false;
    // An -EEXIST of a module's init function is told as -EBUSY, for it means that the module is there already.
    bool init_eexist_is_busy = false;
    // "symbol %s at rela sec %u idx %d is not marked as a livepatch symbol".
    bool livepatch_symbol_message_names_index = false;

    bool livepatch = false;          // CONFIG_LIVEPATCH
    bool reliable_stack = false;     // klp_have_reliable_stack()
    bool strict_module_rwx = false;  // text and rodata of a live module are read-only
    bool module_unload = false;      // without it, .exit sections are init sections
    bool force_load = false;         // CONFIG_MODULE_FORCE_LOAD
    bool modversions = false;
    bool module_sig = false;
    bool module_sig_force = false;
    bool btf_modules = false;              // CONFIG_DEBUG_INFO_BTF_MODULES
    bool allows_btf_mismatch = false;      // CONFIG_MODULE_ALLOW_BTF_MISMATCH
    bool tells_btf_mismatch_once = false;  // and in other words
    bool smp = false;
    bool kallsyms_all = false;
    bool needs_retpoline = false;  // a module without retpolines is complained of, on CPUs that need them
    bool allows_missing_namespaces = false;
    bool prel32 = false;  // struct kernel_symbol has 32-bit offsets (CONFIG_HAVE_ARCH_PREL32_RELOCATIONS)

    std::optional<std::uint64_t> page_size{};
    std::optional<std::uint64_t> ftrace_record_size{};  // sizeof(struct dyn_ftrace)
    // Where the allocator looks for a module's memory first, in a kernel that was not moved.
    std::optional<std::uint64_t> module_area{};
    std::optional<std::string> vermagic{};
    // Of struct klp_patch, klp_object, klp_func and module, under the kernel's config.
    std::optional<StructLayout> layout{};

    // Offsets in struct module; not known with its layout, or where there is no such member.
    std::optional<std::uint64_t> module_init{};
    std::optional<std::uint64_t> module_exit{};
    std::vector<std::uint64_t> module_sizes{};  // of its memory: numbers of 4 bytes

    std::vector<arch::UnknownFeature> unknown{};  // those above that nothing tells
};

struct Features {
    std::shared_ptr<const arch::KernelFeatures> arch{};
    LoaderFeatures loader{};
    // Members of the architecture's features that stayed at their default, because nothing tells.
    std::vector<arch::UnknownFeature> unknown{};
    // Of entries of special sections (arch::EntrySize::expression), by the section's name; those that the headers have.
    std::vector<std::pair<std::string, std::uint32_t>> entry_sizes{};
    std::optional<std::string> headers_error{};  // why the headers could not be asked
};

// A kernel without a source tree, or whose compiler is not installed, leaves unknown what the headers alone can tell.
// Error: the image or the config cannot be read; the compiler fails in any other way than by a verdict on the source.
[[nodiscard]] const Features& probe(const Kernel& kernel);

// All that nothing tells of the kernel: of the loader, of the architecture, of the image; each with what was therefore
// not checked or how it was modelled. For every command that relied on the features.
[[nodiscard]] std::vector<arch::UnknownFeature> unknown_features(const Kernel& kernel);

}  // namespace klp::kernel
