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

// `diff.folded-data`: variables that replaced functions have read, and that new code takes for their initial value
// since nothing in the patched source writes to them.
void refuse_folded_data(const Changes& changes, const Selection& selection, const Options& options,
                        Diagnostics& diagnostics);

}  // namespace klp::diff
