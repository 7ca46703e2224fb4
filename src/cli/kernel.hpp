// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "cli/command.hpp"
#include "kernel/kernel.hpp"

namespace klp::cli {

void add_kernel_symbols(CommandLine& group);

// What a command reads of a kernel and must not write over (OutputFile).
void append_kernel_files(std::vector<fs::path>& inputs, const kernel::Manifest& manifest, const fs::path& output);

}  // namespace klp::cli
