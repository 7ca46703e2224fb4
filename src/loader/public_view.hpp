// SPDX-License-Identifier: GPL-2.0-or-later
// What the simulation shows of a module.
#pragma once

#include "loader/livepatch_core.hpp"
#include "loader/module.hpp"

namespace klp::loader {

void update_view(Module& module, const LivepatchCore& livepatch);

}  // namespace klp::loader
