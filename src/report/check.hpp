// SPDX-License-Identifier: GPL-2.0-or-later
// What `klp check` found.
#pragma once

#include <string>

#include "base/diagnostics.hpp"
#include "check/check.hpp"
#include "report/text.hpp"

namespace klp::report {

// The keys are described in docs/json.md.
[[nodiscard]] Json check_json(const std::string& file, const Diagnostics& findings, const check::Summary& summary);
// What was checked, how many findings there are, and what was not looked at. The findings themselves are printed as all
// are.
[[nodiscard]] std::string check_text(const std::string& file, const Diagnostics& findings,
                                     const check::Summary& summary);

}  // namespace klp::report
