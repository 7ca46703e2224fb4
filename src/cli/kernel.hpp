// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "cli/command.hpp"

namespace klp::cli {

void add_kernel_symbols(CommandLine& group);

}  // namespace klp::cli
