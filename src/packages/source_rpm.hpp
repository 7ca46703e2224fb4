// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "base/progress.hpp"
#include "packages/package_file.hpp"

namespace klp::packages {

// Unpacks the tarball of a source package into `folder`, which is there and empty, and applies the patches that its spec
// names. `scratch` is there and empty. Error: the spec is not understood, a patch does not apply.
void unpack_source_rpm(const PackageFile& package, const fs::path& folder, const fs::path& scratch,
                       const Progress& progress);

}  // namespace klp::packages
