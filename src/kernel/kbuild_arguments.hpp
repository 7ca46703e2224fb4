// SPDX-License-Identifier: GPL-2.0-or-later
// How `make` is told to build for a kernel.
#pragma once

#include <string>
#include <vector>

#include "kernel/compiler.hpp"

namespace klp::kernel {

// The folder of make, and the variables of kbuild that say for which machine and with which compiler. To these belong
// `M=FOLDER modules` for a module outside the tree.
[[nodiscard]] std::vector<std::string> kbuild_arguments(const Kernel& kernel, const Compiler& compiler);

// Whether this machine's own toolchain, whose programs have no prefix in their names, is for `arch`.
[[nodiscard]] bool is_native(const arch::Arch& arch);

}  // namespace klp::kernel
