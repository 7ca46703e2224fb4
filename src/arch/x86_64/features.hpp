// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "arch/kernel_features.hpp"

namespace klp::arch::x86_64 {

// What x86-64 kernels do differently.
struct Features final : KernelFeatures {
    // One function applies and clears, and looks for overflow before it looks at the field (module.c:
    // __write_relocate_add, since 6.3). Without: __apply_relocate_add, which writes before it finds the overflow.
    bool clear_relocate_add = false;
    // Messages name section and index of the relocation, and addresses in plain (7.x).
    bool messages_name_index = false;
    // A terminator in .orc_unwind is told by its `type` (since 6.4). Without: by `sp_reg` and `end`.
    bool orc_terminator_by_type = false;
    // Lock prefixes of modules are patched when the machine has one CPU (alternatives_smp_module_add()).
    bool smp_locks = true;
    // The nops of ftrace and of static keys are those that the CPU likes best (ideal_nops, up to 5.12). Without: always
    // the same.
    bool nops_by_cpu = false;
    // How many there can be: (NCAPINTS + NBUGINTS) * 32. nullopt: nothing tells.
    std::optional<std::uint64_t> cpu_features{};
    // sizeof(struct alt_instr): 14 since features have flags (6.3), 12 before, 13 up to 5.12 (padlen).
    std::optional<std::uint64_t> alternative_size{};
    // What module_finalize() does with .retpoline_sites, .return_sites and .ibt_endbr_seal; stubs otherwise.
    bool applies_retpolines = true;
    bool applies_returns = true;
    bool seals_endbr = true;

    [[nodiscard]] Json to_json() const override;
    [[nodiscard]] std::shared_ptr<const KernelFeatures> with(const FeatureOverrides& overrides) const override;
};

}  // namespace klp::arch::x86_64
