// SPDX-License-Identifier: GPL-2.0-or-later
// Whether the parts of a kernel are parts of one kernel.
#pragma once

#include "kernel/kernel.hpp"

namespace klp::packages {

// Reads release and architecture out of the manifest's image and vmlinux, and puts them into it. Error: they are not of
// one kernel, the config is another one's or has no livepatching, Module.symvers is none.
void identify(kernel::Manifest& manifest);

// Error: the prepared source tree is another kernel's.
void check_tree(const kernel::Manifest& manifest);

// Error: `found`, which `other` has, is not the image's release.
void check_release(const std::string& image, const fs::path& other, const std::string& found);

}  // namespace klp::packages
