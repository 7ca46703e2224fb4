// SPDX-License-Identifier: GPL-2.0-or-later
// The catalogue: kernels known by name, under `cache_root()/kernels/NAME/`. A kernel exists once its
// kernel.json does; that file is written last, so that an interrupted fetch leaves no half kernel.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.hpp"
#include "kernel/kernel.hpp"

namespace klp::kernel {

[[nodiscard]] std::vector<Manifest> list_kernels();
// Error (with the names there are, and how to fetch one) where there is no such kernel.
[[nodiscard]] Manifest find_kernel(std::string_view name);
// The kernel meant when none is named: the only one, or the newest fetched. Error where there is none.
[[nodiscard]] Manifest default_kernel();
[[nodiscard]] std::optional<Manifest> newest_fetched();
void remove_kernel(std::string_view name);

}  // namespace klp::kernel
