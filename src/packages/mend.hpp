// SPDX-License-Identifier: GPL-2.0-or-later
// Prepared source trees in which somebody ran `make` since.
#pragma once

#include "base/progress.hpp"
#include "kernel/kernel.hpp"

namespace klp::packages {

// Sees to it that the tree is as it was prepared. That of a fetched kernel is prepared again where it is not; nobody
// may hold the kernel then (kernel::use_kernel). Error: the tree is another's to mend, which the hints say how to do.
void keep_prepared(const kernel::Manifest& manifest, const Progress& progress);

}  // namespace klp::packages
