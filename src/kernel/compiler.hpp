// SPDX-License-Identifier: GPL-2.0-or-later
// The compiler of a kernel. Only the very same one gives the bytes that were shipped.
#pragma once

#include <string>

#include "kernel/kernel.hpp"

namespace klp::kernel {

struct Compiler {
    std::string program;  // "gcc-12", found in PATH
    std::string version;  // the first line of `gcc-12 --version`, equal to CONFIG_CC_VERSION_TEXT
};

// Error: CONFIG_CC_VERSION_TEXT names a compiler that is not here, or is here in another version.
[[nodiscard]] Compiler find_compiler(const Config& config, const Location& where);

}  // namespace klp::kernel
