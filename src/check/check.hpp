// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a finished livepatch module is sound: by itself (check_structure), against the kernel it is for, and
// by loading it in the model. docs/checks.md explains every rule.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/diagnostics.hpp"
#include "check/not_checked.hpp"
#include "elf/object.hpp"
#include "kernel/features.hpp"

namespace klp::check {

struct Request {
    // Files to take instead of the kernel's own modules: as patched objects, or as what they depend on.
    std::vector<fs::path> objects;
};

// How far it came.
struct Summary {
    std::string kernel;                      // empty: structure alone
    bool simulated = false;                  // false: an error makes it meaningless, or the klp_patch is not known
    std::vector<std::string> objects;        // patched objects that were loaded in the model
    std::vector<std::string> not_simulated;  // and those that were not there to load
    LeftOut not_checked;
    std::vector<arch::UnknownFeature> unknown;  // of the kernel, and what that meant for the check
    std::optional<std::string> headers_error;   // why the kernel's headers could not be asked
};

// The rules that need nothing but the module's file.
Summary check_module(const elf::Object& module, Diagnostics& findings);
// All rules. Rules that a finding of severity error of an earlier stage makes meaningless are not run.
Summary check_module(const elf::Object& module, const kernel::Kernel& kernel, const Request& request,
                     Diagnostics& findings);

// The release in the module's vermagic, for which it was made.
[[nodiscard]] std::optional<std::string> release_of(const elf::Object& module);

}  // namespace klp::check
