// SPDX-License-Identifier: GPL-2.0-or-later
// Preparing a source tree from what the distribution ships: the generated headers of its headers package and the
// compiled programs of its kbuild package are those that the kernel was built with. No kconfig runs, so no tool that is
// missing here (rust, pahole) changes the configuration.
#pragma once

#include "base/file.hpp"

namespace klp::packages {

// Takes from unpacked packages what a tree needs, into `folder`, in the places that the tree has them.
// `headers_package` is usr/src/linux-headers-RELEASE, `kbuild` usr/lib/linux-kbuild-…. Error: something is missing.
void take_shipped(const fs::path& headers_package, const fs::path& kbuild, const fs::path& folder);

// Lays those files into the tree, beside its own.
void prepare_from_shipped(const fs::path& folder, const fs::path& source);

}  // namespace klp::packages
