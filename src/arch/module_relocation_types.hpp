// SPDX-License-Identifier: GPL-2.0-or-later
// What can be told of a module's relocations before they are applied (module_relocator.hpp applies them).
#pragma once

#include <cstdint>

namespace klp::arch {

// Whether apply_relocate_add() of the machine's kernels knows the type. It refuses the module otherwise.
[[nodiscard]] bool module_loader_knows(std::uint16_t machine, std::uint32_t type) noexcept;

// Whether the loader refuses a place that is not zero before (x86: "existing value is nonzero").
[[nodiscard]] bool relocates_zeros_alone(std::uint16_t machine) noexcept;

}  // namespace klp::arch
