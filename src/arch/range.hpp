// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

namespace klp::arch {

// A byte range of a section.
struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;  // exclusive
    [[nodiscard]] constexpr std::uint64_t size() const noexcept { return end - begin; }
    [[nodiscard]] constexpr bool contains(std::uint64_t offset) const noexcept {
        return offset >= begin && offset < end;
    }
};

}  // namespace klp::arch
