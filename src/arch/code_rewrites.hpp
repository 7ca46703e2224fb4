// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel writes into a module while it loads, beyond relocations: ftrace sites become nops, tables are sorted,
// code is patched for the CPU at hand. Where the module and the kernel's features determine the bytes, they are
// given; where the CPU or the command line do, the range alone is.
//
//   ...relocator->finalize();
//   const auto rewrites = code_rewrites(arch, image, features, facts);
//   write_rewrites(image, rewrites);  // what is determined
//
// The ranges come from the module's own tables, read from its relocated memory as the kernel does. An entry that
// leads outside of the module is left out.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "arch/arch.hpp"
#include "arch/kernel_features.hpp"
#include "arch/module_image.hpp"

namespace klp::arch {

// In the order in which the kernel comes to them.
enum class Mechanism : std::uint8_t {
    extable_sort,
    paravirt,
    fineibt,
    retpoline,
    return_thunk,
    call_depth,
    alternative,
    ibt_seal,
    smp_lock,
    orc_sort,
    feature_fixup,
    barrier_nospec,
    lwsync_fixup,
    expoline,
    stack_protector,
    shadow_call_stack,
    mcount_sort,
    ftrace_site,
    jump_label_sort,
    jump_label,
    static_call_sort,
    static_call,
    ftrace_call,
};

[[nodiscard]] std::string_view name_of(Mechanism mechanism) noexcept;  // "ftrace-site"
// One sentence: what is written and when, with the kernel's file and function.
[[nodiscard]] std::string_view reason_of(Mechanism mechanism) noexcept;

struct CodeRewrite {
    Mechanism mechanism{};
    std::uint32_t section = 0;  // index in ModuleImage::sections
    Range range{};              // in it
    // What is in the range afterwards. nullopt: it depends on the CPU, the command line, or the state of the running
    // kernel, and may as well stay as it is.
    std::optional<std::vector<std::byte>> after{};
};

// What is known of the running kernel, beyond its features. All of it can be unknown.
struct StaticKeyState {
    bool enabled = false;
    bool initially_enabled = false;  // JUMP_TYPE_TRUE: how the code was compiled
};
struct RunningFacts {
    // s390: mod_arch_specific::trampolines_start, which is allocated apart from the module.
    std::optional<std::uint64_t> ftrace_trampolines{};
    // x86: the machine has one CPU and will not get more.
    std::optional<bool> uniprocessor{};
    // Whether the kernel, or a module that is there, has memory at an address outside of the module.
    std::function<bool(std::uint64_t)> is_mapped{};
    // Of a static key outside of the module, by its address.
    std::function<std::optional<StaticKeyState>(std::uint64_t)> static_key{};
};

// In the kernel's order: where ranges overlap, the later one counts. Error: features of another architecture.
[[nodiscard]] std::vector<CodeRewrite> code_rewrites(const Arch& arch, const ModuleImage& image,
                                                     const KernelFeatures& features, const RunningFacts& facts = {});

// What kernels from 4.6 to 5.7 rewrite for the sake of an object ("vmlinux" or a module), by way of its .klp.arch
// sections, once its livepatch relocations are applied.
[[nodiscard]] std::vector<CodeRewrite> object_rewrites(const Arch& arch, const ModuleImage& image,
                                                       const KernelFeatures& features, std::string_view object);

// What the kernel writes when a livepatch hooks the functions at `functions` (addresses), and again when it goes: the
// calls of ftrace's trampolines, whose addresses nobody can know. Functions of other modules are left out.
[[nodiscard]] std::vector<CodeRewrite> ftrace_call_rewrites(const Arch& arch, const ModuleImage& image,
                                                            const KernelFeatures& features,
                                                            std::span<const Range> functions);

// Writes what is determined.
void write_rewrites(ModuleImage& image, std::span<const CodeRewrite> rewrites);

// Whether code that runs changes the section: lists, locks, kobjects, struct module. Comparing its bytes with a
// running kernel's tells nothing. Tables that are writable for the sake of the loader alone are not among them
// (TableContent).
[[nodiscard]] bool is_live_data(const Arch& arch, const ImageSection& section) noexcept;

}  // namespace klp::arch
