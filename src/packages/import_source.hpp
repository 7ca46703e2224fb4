// SPDX-License-Identifier: GPL-2.0-or-later
// The source tree of an imported kernel, as it was before it was configured.
#pragma once

#include "base/progress.hpp"
#include "packages/import_set.hpp"

namespace klp::packages {

// Error: the folder has no kernel source, or that of another series than the release's.
void check_given_source(const fs::path& given, const std::string& release);

// Puts into `folder`, which is there and empty, the tree out of the packages, or out of `given`, which was checked,
// unless that is empty.
// `scratch` is there and empty, on the same file system. Error: what is there is no kernel's source, or another
// kernel's; a patch of a source package does not apply, or its spec is not understood.
void take_source(const PackageSet& packages, const fs::path& given, const fs::path& folder, const fs::path& scratch,
                 const Progress& progress);

}  // namespace klp::packages
