// SPDX-License-Identifier: GPL-2.0-or-later
// The variables that a kernel's top Makefile exports, kept in the kernel's cache folder.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kernel/kbuild.hpp"

namespace klp::kernel {

// Error: make is missing or fails, which happens where the tree is not prepared.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> kbuild_environment(const Kernel& kernel,
                                                                                  const Compiler& compiler);

}  // namespace klp::kernel
