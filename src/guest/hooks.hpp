// SPDX-License-Identifier: GPL-2.0-or-later
// Whether what the guest's livepatches replace is hooked: what livepatch's sysfs and ftrace say, and what is known of
// the kernel's ftrace records (kernel/ftrace_records.hpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernel/kernel.hpp"

namespace klp::guest {

// `report`: a line `patched OBJECT FUNCTION,POSITION` for each function of an enabled livepatch whose object is loaded,
// then tracefs' enabled_functions. Returns a sentence for each function that is not replaced, though the kernel says
// so.
[[nodiscard]] std::vector<std::string> not_replaced(const kernel::Kernel& kernel, std::string_view report);

}  // namespace klp::guest
