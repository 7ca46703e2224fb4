// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a finished livepatch module is sound: by itself (format::check_structure), against the kernel it is for, and
// by loading it in the model. docs/checks.md explains every rule.
#pragma once

#include <vector>

#include "base/diagnostics.hpp"
#include "elf/object.hpp"
#include "kernel/kernel.hpp"

namespace klp::check {

struct Request {
    // Files to take instead of the kernel's own modules: as patched objects, or as what they depend on.
    std::vector<fs::path> objects;
};

// The rules that need nothing but the module's file.
void check_module(const elf::Object& module, Diagnostics& findings);
// All rules. Rules that a finding of severity error of an earlier stage makes meaningless are not run.
void check_module(const elf::Object& module, const kernel::Kernel& kernel, const Request& request,
                  Diagnostics& findings);

}  // namespace klp::check
