// SPDX-License-Identifier: GPL-2.0-or-later
// What nothing tells of a kernel, for the commands that relied on it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernel/features.hpp"
#include "report/text.hpp"

namespace klp::report {

// The kernel that a result is about.
struct TargetKernel {
    std::string name;
    std::vector<arch::UnknownFeature> unknown{};
    std::optional<std::string> headers_error{};  // why the kernel's headers could not be asked
};
[[nodiscard]] TargetKernel target_kernel(const kernel::Kernel& kernel);

// An array of {"feature", "effect"}.
[[nodiscard]] Json unknown_json(const std::vector<arch::UnknownFeature>& unknown);

// A heading and a line for each; empty where all is known.
[[nodiscard]] std::string unknown_text(const TargetKernel& kernel);

}  // namespace klp::report
