// SPDX-License-Identifier: GPL-2.0-or-later
// Just enough of the shell's grammar to take apart the commands that `make -n` prints.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace klp::kernel {

using ShellWords = std::vector<std::string>;

// The simple commands of a script, in order, with quotes and backslashes removed. A command ends at an
// operator (`;`, `|`, `&`, parentheses, a line's end); a redirection ends the words of its command.
[[nodiscard]] std::vector<ShellWords> shell_commands(std::string_view script);

// The words of a text without operators.
[[nodiscard]] ShellWords shell_words(std::string_view text);

}  // namespace klp::kernel
