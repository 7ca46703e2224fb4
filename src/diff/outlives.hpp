// SPDX-License-Identifier: GPL-2.0-or-later
// What of the livepatch others may hold on to when it is disabled, and how long the change of code can take.
#pragma once

#include "base/diagnostics.hpp"
#include "diff/select.hpp"

namespace klp::diff {

// Warning `diff.outlives` for each new function and each piece of new data whose address goes anywhere but into a
// direct call or access: memory of the kernel may have it when the livepatch is unloaded. One line each, without line
// breaks:
// "'work' in 'f'+0x12". Literals count where an instruction stores their address.
std::vector<std::string> warn_of_what_outlives(const Changes& changes, const Selection& selection,
                                               Diagnostics& diagnostics);

// Warning `diff.tail-call` for each replaced function that jumps to one that is carried. One line each for the new
// ones, as above: "a task in 'body', which 'f' jumps to".
std::vector<std::string> warn_of_tail_calls(const Changes& changes, const Selection& selection,
                                            Diagnostics& diagnostics);

// Warning `diff.never-ends` for changed functions that a task may sleep in for ever: main functions of kernel threads,
// loops around schedule(). The original's code is what counts: the transition waits until it has left all stacks.
void warn_of_what_never_ends(const Changes& changes, Diagnostics& diagnostics);

}  // namespace klp::diff
