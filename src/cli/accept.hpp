// SPDX-License-Identifier: GPL-2.0-or-later
// --accept ID:NAME, what the author of a change takes the responsibility for.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "cli/command_line.hpp"
#include "diff/directives.hpp"

namespace klp::cli {

void add_accept_option(CommandLine& command, std::vector<std::string>& target);

struct Accepted {
    std::set<std::string, std::less<>> layouts;  // names of types
    std::set<diff::LeftOut> left_out;
};

// Error (ExitCode::usage): no rule that can be accepted, or no name.
[[nodiscard]] Accepted accepted_changes(const std::vector<std::string>& words);

}  // namespace klp::cli
