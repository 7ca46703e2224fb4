// SPDX-License-Identifier: GPL-2.0-or-later
// Why what is in a livepatch is in it.
#pragma once

#include <string>

#include "pipeline/build.hpp"
#include "report/text.hpp"

namespace klp::report {

// {"disassembler", "units": [{"source", "object", "reached_by", "functions": [PIECE], "data": [PIECE]}],
//  "findings": [{"id", "severity", "message", "file", "line"}]}; docs/json.md has the keys of a PIECE.
[[nodiscard]] Json explanation_json(const pipeline::ExplainedBuild& explained);
[[nodiscard]] std::string explanation_text(const pipeline::ExplainedBuild& explained);

}  // namespace klp::report
