// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

#include "base/progress.hpp"
#include "packages/package_file.hpp"

namespace klp::packages {

// Unpacks the tarball of a source package into `folder`, which is there and empty, and applies the patches that its
// spec names for the architecture ("x86_64"). `scratch` is there and empty. Error: the spec is not understood, a patch
// does not apply.
void unpack_source_rpm(const PackageFile& package, std::string_view arch, const fs::path& folder,
                       const fs::path& scratch, const Progress& progress);

// What is in the one folder of a tarball, into `folder`.
void unpack_source_tarball(const fs::path& tarball, const fs::path& folder);

}  // namespace klp::packages
