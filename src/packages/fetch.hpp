// SPDX-License-Identifier: GPL-2.0-or-later
// Debian's kernels, as targets.
#pragma once

#include <string_view>

#include "base/progress.hpp"
#include "kernel/kernel.hpp"

namespace klp::packages {

// `release` is "newest" or a release such as "6.1.0-56-amd64". Returns at once where it is there already.
// Needs apt-get and dpkg-deb, no root. Error: no network, no such release, no space, a damaged package.
kernel::Manifest fetch(std::string_view release, const Progress& progress);

}  // namespace klp::packages
