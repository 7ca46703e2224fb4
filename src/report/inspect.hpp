// SPDX-License-Identifier: GPL-2.0-or-later
// What a finished livepatch module holds, for people and for programs.
#pragma once

#include <string>

#include "check/other_forms.hpp"
#include "report/text.hpp"

namespace klp::report {

// {"name", "modinfo", "objects", "forced", "symbols", "relocations", "arch_sections", "other_forms"}. A modinfo key
// that repeats has an array of its values.
[[nodiscard]] Json inspect_json(const check::InspectedModule& inspected);
[[nodiscard]] std::string inspect_text(const check::InspectedModule& inspected);

}  // namespace klp::report
