// SPDX-License-Identifier: GPL-2.0-or-later
// Debian's kernels, as targets.
#pragma once

#include <optional>
#include <string_view>

#include "base/progress.hpp"
#include "kernel/kernel.hpp"
#include "packages/suite.hpp"

namespace klp::packages {

// `release` is "newest", "newest-FLAVOUR" or a release such as "6.1.0-56-amd64". It is one of `archive`, or else of
// what the machine's apt knows. Returns at once where it is there already. The compiler that it was built with is
// fetched, too, unless the machine has it. Needs apt-get and dpkg-deb, no root. Error: no network, no such suite or
// release, no space, a damaged package.
kernel::Manifest fetch(std::string_view release, const std::optional<Archive>& archive, const Progress& progress);

}  // namespace klp::packages
