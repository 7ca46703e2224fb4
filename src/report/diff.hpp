// SPDX-License-Identifier: GPL-2.0-or-later
// What two objects differ in.
#pragma once

#include <string>

#include "diff/diff.hpp"
#include "report/text.hpp"

namespace klp::report {

// {"functions": [{"name", "status": "changed"|"new"|"included", "section", "reason"}],
//  "data": [{"name", "status": "new"|"copied", "section", "size"}],
//  "references": [{"name", "symbol", "defined_in_unit"}], "accepted": accepted_json(), "notes": [TEXT]}; data without a
//  name has null.
[[nodiscard]] Json diff_json(const diff::Result& result);
[[nodiscard]] std::string diff_text(const diff::Result& result);

// What would have been refused had the author not accepted it: [{"id", ...}], with the fields of diff::layout_json().
[[nodiscard]] Json accepted_json(const std::vector<diff::LayoutChange>& layouts);
[[nodiscard]] std::string accepted_text(const std::vector<diff::LayoutChange>& layouts);

}  // namespace klp::report
