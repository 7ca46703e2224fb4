// SPDX-License-Identifier: GPL-2.0-or-later
// Independent jobs on a few threads.
#pragma once

#include <cstddef>
#include <functional>

namespace klp {

// Calls `job(0) … job(count - 1)` on at most `threads` threads (0: as many as the machine has). The first
// exception, by index, is thrown after all running jobs have ended; jobs not yet begun are dropped then.
void parallel_for(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& job);

}  // namespace klp
