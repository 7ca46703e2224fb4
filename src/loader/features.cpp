// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/features.hpp"

#include <algorithm>

#include "kernel/features.hpp"
#include "loader/probe.hpp"

namespace klp::loader {

namespace {

void probe_code(const kernel::Kernel& kernel, Features& features) {
    const auto has = [&](std::string_view name) { return !kernel.symbols().find(name).empty(); };
    if (!features.separate_memories) return;  // what follows came later
    features.export_flags = has("__start___kflagstab");
    features.relocates_percpu = features.export_flags;
    features.init_eexist_is_busy = features.export_flags;
    features.static_call_sites_ro_after_init = has("module_mark_ro_after_init");
    features.strict_elf_checks = has_text(kernel, "symbol string table missing leading NUL");
    features.livepatch_symbol_message_names_index =
        has_text(kernel, "symbol %s at rela sec %u idx %d is not marked as a livepatch symbol");
}

void read_config(const kernel::Config& config, std::string_view arch, Features& features) {
    features.livepatch = config.enabled("CONFIG_LIVEPATCH");
    features.reliable_stack = config.enabled("CONFIG_STACKTRACE") && config.enabled("CONFIG_HAVE_RELIABLE_STACKTRACE");
    features.force_load = config.enabled("CONFIG_MODULE_FORCE_LOAD");
    features.module_sig = config.enabled("CONFIG_MODULE_SIG");
    features.module_sig_force = config.enabled("CONFIG_MODULE_SIG_FORCE");
    features.needs_retpoline =
        arch == "x86_64" && (config.enabled("CONFIG_RETPOLINE") || config.enabled("CONFIG_MITIGATION_RETPOLINE"));
    features.allows_missing_namespaces = config.enabled("CONFIG_MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS");
    features.prel32 = config.enabled("CONFIG_HAVE_ARCH_PREL32_RELOCATIONS");
    features.static_call_inline = config.enabled("CONFIG_HAVE_STATIC_CALL_INLINE");
    features.init_sections = arch != "ppc64le";
}

void take_over(const kernel::LoaderFeatures& probed, Features& features) {
    features.separate_memories = probed.areas == kernel::ModuleAreas::by_type;
    features.clears_relocations = probed.clears_livepatch_relocations;
    features.strict_rwx = probed.strict_module_rwx;
    features.module_unload = probed.module_unload;
    features.modversions = probed.modversions;
    features.smp = probed.smp;
    features.kallsyms_all = probed.kallsyms_all;
    features.page_size = probed.page_size.value_or(features.page_size);
    features.vermagic = probed.vermagic.value_or("");
}

std::optional<std::uint64_t> address_of(const kernel::Kernel& kernel, std::string_view name) {
    const auto found = kernel.symbols().find(name);
    return found.empty() ? std::nullopt : std::optional(kernel.symbols().symbols()[found.front()].address);
}

std::uint64_t round_down(std::uint64_t value, std::uint64_t unit) {
    return value / unit * unit;
}

std::uint64_t module_area_of(const kernel::Kernel& kernel) {
    const kernel::Config& config = kernel.config();
    const std::string& arch = kernel.manifest().arch;
    constexpr std::uint64_t mib = 1 << 20;
    // MODULES_VADDR: behind KERNEL_IMAGE_SIZE (arch/x86/include/asm/page_64_types.h).
    if (arch == "x86_64") return config.enabled("CONFIG_RANDOMIZE_BASE") ? 0xffffffffc0000000 : 0xffffffffa0000000;
    // VMALLOC_START (arch/powerpc/include/asm/book3s/64/hash-4k.h, hash-64k.h, radix.h).
    if (arch == "ppc64le") return config.enabled("CONFIG_PPC_64K_PAGES") ? 0xc008000000000000 : 0xc0003d0000000000;
    // MODULES_VADDR: 2 GiB under the last segment of three table levels (arch/s390/boot/startup.c).
    if (arch == "s390x") return 0x3fffff00000 - 2048 * mib;
    // 128 MiB up to the end of the kernel (arch/arm64/mm/init.c:module_init_limits).
    const auto end = address_of(kernel, "_end");
    return round_down(end ? *end - 128 * mib : 0xffff800000000000, 4096);
}

}  // namespace

Features features_of(const kernel::Kernel& kernel, const Options& options) {
    const kernel::Features probed = kernel::probe(kernel);
    Features features;
    features.arch = probed.arch;
    take_over(probed.loader, features);
    probe_code(kernel, features);
    read_config(kernel.config(), kernel.manifest().arch, features);
    features.module_area = module_area_of(kernel);
    if (options.clear_relocations)
        features.clears_relocations = features.arch.x86.clear_relocate_add = *options.clear_relocations;
    if (options.livepatch_stubs) features.arch.ppc64.livepatch_stubs = *options.livepatch_stubs;
    return features;
}

}  // namespace klp::loader
