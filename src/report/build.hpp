// SPDX-License-Identifier: GPL-2.0-or-later
// What `klp build` made.
#pragma once

#include <string>

#include "base/progress.hpp"
#include "pipeline/build.hpp"
#include "report/text.hpp"

namespace klp::report {

// {"module" (the file), "name", "kernel", "objects": [{"name", "functions": [{"name", "new", "sympos", "fidelity",
// "source", "reason"}]}],
//  "references": [{"object", "symbol", "resolved", "how"}], "proven": {"identical", "total"}, "notes",
//  "timings": {STAGE: SECONDS}}; sympos and fidelity are null for new functions. What is not known yet is null or
//  empty:
// without a module that was written, `module` is empty.
[[nodiscard]] Json build_json(const pipeline::Report& report, const fs::path& module, const Timings& timings);
// `verbose`: with each reference and how its place was found.
[[nodiscard]] std::string build_text(const pipeline::Report& report, const fs::path& module, const Timings& timings,
                                     bool verbose);

// The findings of a build with "line": {"file", "line"} of the source, null where it is not known.
[[nodiscard]] Json build_findings_json(const Diagnostics& findings, const pipeline::Report& report);

}  // namespace klp::report
