// SPDX-License-Identifier: GPL-2.0-or-later
// How toolchains get here: out of the distribution's packages, or as a folder that somebody has.
#pragma once

#include <string>
#include <string_view>

#include "base/progress.hpp"
#include "kernel/compiler.hpp"
#include "kernel/toolchain.hpp"
#include "packages/debian.hpp"

namespace klp::packages {

// Sees to it that a kernel with this config can be built for, and returns the name of the toolchain for
// kernel::Manifest: empty where the machine has the very compiler that made it. `apt` has the lists of the kernel's
// suite. Where the archive has dropped that compiler, the toolchain has another version of it, which `progress` tells.
// Error: no such compiler in any version, no network, no space.
[[nodiscard]] std::string provide_toolchain(const Apt& apt, const kernel::Config& config, const arch::Arch& arch,
                                            const Location& where, const Progress& progress);

// `root` is a folder with a distribution in it; it stays where it is. Error: it has no GCC that runs, or there is a
// toolchain of that name.
kernel::Toolchain add_toolchain(std::string_view name, const fs::path& root);

}  // namespace klp::packages
