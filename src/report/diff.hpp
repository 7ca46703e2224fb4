// SPDX-License-Identifier: GPL-2.0-or-later
// What two objects differ in.
#pragma once

#include <string>

#include "diff/diff.hpp"
#include "report/text.hpp"

namespace klp::report {

// {"functions": [{"name", "status": "changed"|"new"|"included", "section", "reason"}],
//  "data": [{"name", "status": "new"|"copied", "section", "size"}],
//  "references": [{"name", "symbol", "defined_in_unit"}], "notes": [TEXT]}; data without a name has null.
[[nodiscard]] Json diff_json(const diff::Result& result);
[[nodiscard]] std::string diff_text(const diff::Result& result);

}  // namespace klp::report
