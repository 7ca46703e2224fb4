// SPDX-License-Identifier: GPL-2.0-or-later
// The words of which the header lines of a diff are made.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace klp::source {

// Moves `rest` behind `expected` where it begins with it.
bool take(std::string_view& rest, std::string_view expected);

// `-START[,COUNT]`, or with `+`. False: something else is there, or a number is larger than any file has lines.
bool take_range(std::string_view& rest, std::string_view sign, std::size_t& start, std::size_t& count);

// A name as git quotes it where it has unusual characters: "a/f\303\244.c".
[[nodiscard]] std::string unquote(std::string_view text);

// The name in a `--- NAME[<tab>DATE]` line; empty for /dev/null.
[[nodiscard]] std::string header_path(std::string_view text);

}  // namespace klp::source
