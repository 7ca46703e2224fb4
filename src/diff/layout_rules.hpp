// SPDX-License-Identifier: GPL-2.0-or-later
// Changes of types that new code would meet in objects which old code made.
#pragma once

#include "base/diagnostics.hpp"
#include "diff/diff.hpp"
#include "diff/select.hpp"

namespace klp::diff {

// The findings `diff.layout` of a selection; what the options accept is returned instead.
[[nodiscard]] std::vector<LayoutChange> judge_layouts(const Changes& changes, const Selection& selection,
                                                      const Options& options, Diagnostics& diagnostics);

}  // namespace klp::diff
