// SPDX-License-Identifier: GPL-2.0-or-later
// The C library's words for an error number, in the style of the other messages.
#pragma once

#include <string>

namespace klp {

[[nodiscard]] std::string errno_text(int number);  // "no such file or directory"

}  // namespace klp
