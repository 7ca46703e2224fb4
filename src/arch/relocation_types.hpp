// SPDX-License-Identifier: GPL-2.0-or-later
// The relocation types of each architecture as tables, inside this library.
#pragma once

#include <algorithm>
#include <optional>
#include <span>

#include "arch/arch.hpp"

namespace klp::arch {

struct RelocationType {
    std::uint32_t type = 0;
    RelocationInfo info;
};

// `rows` ascend by type.
[[nodiscard]] constexpr std::optional<RelocationInfo> find_type(std::span<const RelocationType> rows,
                                                                std::uint32_t type) noexcept {
    const auto found = std::ranges::lower_bound(rows, type, {}, &RelocationType::type);
    if (found == rows.end() || found->type != type) return std::nullopt;
    return found->info;
}

}  // namespace klp::arch
