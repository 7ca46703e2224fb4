// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "arch/kernel_features.hpp"

namespace klp::arch::s390x {

// What s390x kernels do differently.
struct Features final : KernelFeatures {
    // CONFIG_EXPOLINE and not switched off (`nospec_disable`): PLT entries branch through a thunk.
    bool expoline = false;
    // CONFIG_INIT_STACK_ALL_ZERO: the two bytes of a PLT entry that apply_rela() never sets are zero.
    bool zeroed_stack = true;
    std::uint32_t alternative_size = 11;  // sizeof(struct alt_instr); 13 where it has flags (7.x)

    [[nodiscard]] Json to_json() const override;
    [[nodiscard]] std::shared_ptr<const KernelFeatures> with(const FeatureOverrides& overrides) const override;
};

}  // namespace klp::arch::s390x
