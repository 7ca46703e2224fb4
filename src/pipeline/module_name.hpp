// SPDX-License-Identifier: GPL-2.0-or-later
// The name of the livepatch module.
#pragma once

#include <string>

#include "pipeline/build.hpp"

namespace klp::pipeline {

// request.name, or `livepatch_` and the first patch's file name. Error (ExitCode::usage): a name that the module
// loader would not take, or one of a module that the kernel has.
[[nodiscard]] std::string module_name(const kernel::Kernel& kernel, const Request& request);

}  // namespace klp::pipeline
