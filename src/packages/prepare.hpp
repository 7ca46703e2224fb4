// SPDX-License-Identifier: GPL-2.0-or-later
// Preparing a kernel's source tree, so that single objects compile in it as they did for the shipped kernel.
#pragma once

#include <string>
#include <vector>

#include "base/progress.hpp"
#include "kernel/kernel.hpp"

namespace klp::packages {

struct PrepareRequest {
    fs::path source;      // unpacked, at its final path: generated files contain it
    fs::path config;      // as shipped
    fs::path symvers;     // as shipped
    std::string release;  // KERNELRELEASE
    const arch::Arch* arch = nullptr;
};

// Error: programs or headers that a kernel's build needs are not here; it names all packages that have them.
void check_prepare_tools();

// Error: the compiler is another one, or the configuration does not survive because the machine lacks what it
// asks for.
void prepare_source(const PrepareRequest& request, const Progress& progress);

// Removes all that `make` generated in the tree: it is then as it was unpacked.
void clean_source(const fs::path& source, const arch::Arch& arch);

// The options that two configs set differently, apart from those that name versions of tools or keys. Each as
// "CONFIG_X: 'y', not set".
[[nodiscard]] std::vector<std::string> config_differences(const kernel::Config& shipped,
                                                          const kernel::Config& prepared);

// Error: `prepared` differs from `shipped` in that sense.
void check_same_config(const fs::path& shipped, const fs::path& prepared);

// Error: not a tree that `make modules_prepare` was run in.
void check_prepared(const fs::path& source);

}  // namespace klp::packages
