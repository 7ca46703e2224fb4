// SPDX-License-Identifier: GPL-2.0-or-later
// What is told once or at a limited rate (printk_once, pr_warn_ratelimited): which message a state belongs to.
#pragma once

#include <string>

#include "base/diagnostics.hpp"
#include "diff/correlate.hpp"
#include "diff/select.hpp"

namespace klp::diff {

// The string that the function tells where it has asked that state, in quotes; empty where that does not show.
[[nodiscard]] std::string message_of(const Decomposition& object, const Piece& function, const Piece& state);

// Messages that start anew because none of the new states could be proven to be the kernel's, as notes with the id
// `diff.message-again`.
void note_restarted_messages(const Correlation& pairs, const Selection& selection, Diagnostics& diagnostics);

}  // namespace klp::diff
