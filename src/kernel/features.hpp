// SPDX-License-Identifier: GPL-2.0-or-later
// What a kernel's code does where kernels differ, found out from the kernel itself: symbols and messages in its
// image, its config, and its headers, compiled. No version number is looked at.
//
//   const Features features = probe(kernel);
//   make_module_relocator(machine, image, features.arch);
//
// Answers are kept in the kernel's cache folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arch/kernel_features.hpp"
#include "kernel/kernel.hpp"
#include "kernel/struct_layout.hpp"

namespace klp::kernel {

// A module's memory: core and init, with text, rodata, and data in each; or one piece for each enum mod_mem_type
// (since 6.4).
enum class ModuleAreas : std::uint8_t { core_and_init, by_type };

// What the module loader and the livepatch core have in common on all architectures.
struct LoaderFeatures {
    std::optional<ModuleAreas> areas{};
    // klp_clear_object_relocs() when the patched module goes. What it clears is the architecture's matter.
    bool clears_livepatch_relocations = false;
    // .klp.rela.vmlinux.* are applied by load_module(), before the module's alternatives and the like (since 5.8).
    bool applies_vmlinux_relocations_at_load = false;
    bool strict_module_rwx = false;  // text and rodata of a live module are read-only
    bool module_unload = false;      // without it, .exit sections are init sections
    bool modversions = false;
    bool smp = false;
    bool kallsyms_all = false;
    std::optional<std::uint64_t> page_size{};
    std::optional<std::string> vermagic{};
    // Of struct klp_patch, klp_object, klp_func and module, under the kernel's config.
    std::optional<StructLayout> layout{};
};

struct Features {
    arch::KernelFeatures arch{};
    LoaderFeatures loader{};
    // Members of the kernel's arch that stayed at their default, because nothing tells: "x86.orc_terminator_by_type".
    std::vector<std::string> unknown{};
    std::optional<std::string> headers_error{};  // why the headers could not be asked
};

// Error: the image or the config cannot be read. Headers that do not compile (no source tree, no compiler) leave
// what they alone can tell unknown.
[[nodiscard]] Features probe(const Kernel& kernel);

[[nodiscard]] arch::KernelFeatures probe_features(const Kernel& kernel);

}  // namespace klp::kernel
