// SPDX-License-Identifier: GPL-2.0-or-later
// Which compiler it is, beyond what it says of itself: a wrapper that adds options, or a rebuilt compiler, has the
// version of the one that made the kernel, but makes other code.
#pragma once

#include <optional>
#include <string>

#include "kernel/compiler.hpp"

namespace klp::kernel {

// Differs where the program, one of the programs that it runs (cc1, as), or the options that it hands to them differ.
// What programs hold is remembered in the cache by their size, times and inode. Error: the compiler does not say what
// it runs.
[[nodiscard]] std::string compiler_identity(const Compiler& compiler);

// A program of the compiler's toolchain, or of the machine whose own it is: found in PATH where the name has no slash.
[[nodiscard]] std::optional<fs::path> program_of(const Compiler& compiler, const std::string& name);
// Its SHA-256. Error: there is none.
[[nodiscard]] std::string program_digest(const Compiler& compiler, const std::string& name);

}  // namespace klp::kernel
