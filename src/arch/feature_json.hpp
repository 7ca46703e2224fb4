// SPDX-License-Identifier: GPL-2.0-or-later
// Optional values, for KernelFeatures::to_json().
#pragma once

#include <fmt/format.h>

#include <optional>

#include "base/json.hpp"

namespace klp::arch {

template <typename T>
[[nodiscard]] Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

// Addresses do not fit the numbers of most JSON readers.
[[nodiscard]] inline Json address_or_null(const std::optional<std::uint64_t>& address) {
    return address ? Json(fmt::format("{:#x}", *address)) : Json(nullptr);
}

}  // namespace klp::arch
