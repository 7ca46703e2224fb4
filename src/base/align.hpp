// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>

namespace klp {

// The next multiple of `alignment` (any number; 0 is taken for 1). Near the end of the address space it wraps to 0.
[[nodiscard]] constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) noexcept {
    const std::uint64_t step = std::max<std::uint64_t>(alignment, 1);
    return (value + step - 1) / step * step;
}

}  // namespace klp
