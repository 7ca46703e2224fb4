// SPDX-License-Identifier: GPL-2.0-or-later
// Kernels that a command works with, ready to be worked with.
#pragma once

#include <string>

#include "kernel/kernel.hpp"

namespace klp::cli {

// The kernel of that name, or the one that is meant where none is named. A damaged one is left out, with a warning,
// unless it is named.
[[nodiscard]] kernel::Manifest named_or_default_kernel(const std::string& name);

// Its source tree is mended first where somebody ran `make` in it. Error: it cannot be.
[[nodiscard]] kernel::Kernel open_kernel(kernel::Manifest manifest);

}  // namespace klp::cli
