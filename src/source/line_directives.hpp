// SPDX-License-Identifier: GPL-2.0-or-later
// `#line` directives that let the unchanged code of a patched file keep its line numbers.
//
// WARN_ON, might_sleep and lockdep put __LINE__ into code and data; without the directives, every such function
// below an inserted line would differ from its original.
#pragma once

#include <string>
#include <vector>

#include "source/apply.hpp"

namespace klp::source {

// The text of a file after patching, with a directive wherever numbers would move. It stands at the first line
// after a change that is clean and outside of parentheses; where the function has none, at the first clean one.
[[nodiscard]] std::string with_line_directives(const std::vector<Line>& lines);

}  // namespace klp::source
