// SPDX-License-Identifier: GPL-2.0-or-later
// What a finished livepatch module holds, for people and for programs.
#pragma once

#include <string>

#include "format/livepatch.hpp"
#include "report/text.hpp"

namespace klp::report {

// {"name", "modinfo", "objects", "symbols", "relocations", "arch_sections", "other_forms"}. A modinfo key that repeats has an array of its values.
[[nodiscard]] Json inspect_json(const format::LivepatchModule& module);
[[nodiscard]] std::string inspect_text(const format::LivepatchModule& module);

}  // namespace klp::report
