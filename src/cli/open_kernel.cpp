// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/open_kernel.hpp"

#include "cli/command.hpp"
#include "kernel/catalogue.hpp"
#include "packages/mend.hpp"

namespace klp::cli {

kernel::Manifest named_or_default_kernel(const std::string& name) {
    return name.empty() ? kernel::default_kernel(stderr_progress()) : kernel::find_kernel(name);
}

kernel::Kernel open_kernel(kernel::Manifest manifest) {
    packages::keep_prepared(manifest, stderr_progress());
    return kernel::Kernel(std::move(manifest));
}

}  // namespace klp::cli
