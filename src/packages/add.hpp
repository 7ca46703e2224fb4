// SPDX-License-Identifier: GPL-2.0-or-later
// Kernels that somebody built, as targets.
#pragma once

#include <string>

#include "base/progress.hpp"
#include "kernel/kernel.hpp"

namespace klp::packages {

struct AddRequest {
    std::string name;
    fs::path source;  // configured and prepared (`make modules_prepare`); only read
    fs::path image;
    fs::path config;
    fs::path symvers;
    fs::path modules;  // optional
    fs::path vmlinux;  // optional
};
// Checks that the parts fit each other (release, architecture, config, LIVEPATCH), unpacks the image.
kernel::Manifest add(const AddRequest& request, const Progress& progress);

}  // namespace klp::packages
