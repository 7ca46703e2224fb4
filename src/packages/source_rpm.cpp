// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/source_rpm.hpp"

#include "base/error.hpp"

namespace klp::packages {

void unpack_source_rpm(const PackageFile& package, const fs::path&, const fs::path&, const Progress&) {
    throw Error(package.where(), "not understood");
}

}  // namespace klp::packages
