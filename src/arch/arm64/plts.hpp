// SPDX-License-Identifier: GPL-2.0-or-later
// arm64: how many PLT entries a module may need, counted before it has an address (arch/arm64/kernel/module-plts.c).
#pragma once

#include <cstdint>
#include <vector>

#include "arch/arm64/features.hpp"
#include "arch/module_image.hpp"

namespace klp::arch::arm64 {

inline constexpr std::uint64_t plt_entry_size = 12;  // adrp x16; add x16,x16; br x16

// Sorts the branches that leave the target section to the front, as the kernel does, which decides in which order
// PLT entries are made. Returns the number of entries: one for each branch target, and under the erratum one for
// each ADRP that may come to lie badly. The alignment of the target section may grow.
[[nodiscard]] std::uint64_t count_plt_entries(ModuleImage& image, ImageSection& relocations, const Features& features);

}  // namespace klp::arch::arm64
