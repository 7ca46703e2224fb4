// SPDX-License-Identifier: GPL-2.0-or-later
// Kernels of any distribution, out of package files that the user has.
#pragma once

#include <string>
#include <vector>

#include "base/progress.hpp"
#include "kernel/kernel.hpp"

namespace klp::packages {

struct ImportRequest {
    std::vector<fs::path> files;  // .deb or .rpm: image, modules, headers, source
    std::string name;             // empty: the kernel's release
    fs::path source;              // an unpacked source tree, in place of a source package; only read
};

// The packages' files come into the catalogue's folder; nothing is installed. Error: a file is no package, or is cut
// short; packages of several kernels; something is missing, which it names with the package that has it; there is a
// kernel of that name.
kernel::Manifest import_packages(const ImportRequest& request, const Progress& progress);

}  // namespace klp::packages
