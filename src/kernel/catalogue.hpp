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

// A kernel whose kernel.json tells nothing. It can only be removed.
struct DamagedKernel {
    std::string name;
    std::string reason;  // with the file's place
};
struct Catalogue {
    std::vector<Manifest> kernels;  // by version
    std::vector<DamagedKernel> damaged;
};
[[nodiscard]] Catalogue read_catalogue();

// Without the damaged ones; a line for each of those is given to `warn`.
[[nodiscard]] std::vector<Manifest> list_kernels(const Progress& warn = {});
// Error (with the names there are, and how to fetch one) where there is no such kernel.
[[nodiscard]] Manifest find_kernel(std::string_view name);
// The kernel meant when none is named: the only one, or the newest fetched. Error where there is none.
[[nodiscard]] Manifest default_kernel(const Progress& warn = {});
[[nodiscard]] std::optional<Manifest> newest_fetched();
// Error: there is none of that name, another command uses it, or it cannot be removed.
void remove_kernel(std::string_view name);

}  // namespace klp::kernel
