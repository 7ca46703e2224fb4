// SPDX-License-Identifier: GPL-2.0-or-later
// Findings for programs.
#pragma once

#include "base/diagnostics.hpp"
#include "report/text.hpp"

namespace klp::report {

// [{"id", "severity", "file", "section", "offset", "message", "notes", "hints"}], and "details" where a finding has
// them.
[[nodiscard]] Json findings_json(const Diagnostics& findings);
// {"file", "section", "offset"}, null where there is none.
[[nodiscard]] Json location_json(const Location& where);

}  // namespace klp::report
