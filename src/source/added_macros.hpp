// SPDX-License-Identifier: GPL-2.0-or-later
// Macros that a patch defines.
#pragma once

#include <map>
#include <string>

#include "source/apply.hpp"

namespace klp::source {

// What the macros without parameters stand for that added lines define, by name. Empty: more than one line, or several
// definitions that differ.
[[nodiscard]] std::map<std::string, std::string, std::less<>> added_macros(const PatchedFiles& files);

}  // namespace klp::source
