// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

#include "kernel/features.hpp"
#include "report/text.hpp"

namespace klp::report {

// As described in docs/json.md. Of the architectures, only the kernel's own is told.
[[nodiscard]] Json features_json(const kernel::Features& features, std::string_view arch);

}  // namespace klp::report
