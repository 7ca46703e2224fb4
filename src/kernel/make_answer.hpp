// SPDX-License-Identifier: GPL-2.0-or-later
// What the end of a make says: a Makefile's answer, or that make could not do its work.
#pragma once

#include <string_view>

#include "base/process.hpp"

namespace klp::kernel {

// True: all goals have a rule. False: the Makefiles have no rule for one, include a file that is not there (they are
// parts of others then), or say themselves that they cannot be used so. Error: anything else, such as no memory, a
// killed make, a Makefile that cannot be read; `what` begins the message. make must have run with LC_ALL=C.
[[nodiscard]] bool make_has_rules(const CommandResult& result, std::string_view what);

// Error: it could not do all of its work (no memory, no process, a file that cannot be read), whatever its status.
void check_make_was_able(const CommandResult& result, std::string_view what);

// Whether a text ends with "FILE:LINE" or "FILE:LINE:COLUMN", as messages of make and of compilers begin.
[[nodiscard]] bool ends_with_place(std::string_view text);

}  // namespace klp::kernel
