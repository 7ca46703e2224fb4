// SPDX-License-Identifier: GPL-2.0-or-later
// --accept ID:NAME, what the author of a change takes the responsibility for.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "cli/command_line.hpp"

namespace klp::cli {

void add_accept_option(CommandLine& command, std::vector<std::string>& target);

// The names of types behind `diff.layout:`, which is the one finding that can be accepted. Error (ExitCode::usage):
// something else.
[[nodiscard]] std::set<std::string, std::less<>> accepted_layouts(const std::vector<std::string>& words);

}  // namespace klp::cli
