// SPDX-License-Identifier: GPL-2.0-or-later
// What all livepatch modules of one kernel have in common, compiled once and kept in the kernel's cache
// folder: so that a build runs no compiler but for the patched files.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/sandbox.hpp"
#include "diff/strides.hpp"
#include "kernel/kernel.hpp"
#include "kernel/struct_layout.hpp"

namespace klp::link {

struct ModuleCommon {
    std::shared_ptr<const TempDir> folder;  // of the object
    fs::path object;  // entry and exit functions, __this_module, the .modinfo that all modules share
    kernel::StructLayout layout;
    diff::EntrySizes entry_sizes;     // of special sections, probed
    std::vector<std::string> linker;  // argv of the kernel's link of a module, without files
    std::optional<Sandbox> sandbox;   // of the linker, where it is a toolchain's; files are to be writable beside it
};

// From the cache, made where it is not there. Error: the compiler or the prepared tree fails, or its vermagic
// is not that of the kernel's shipped modules.
[[nodiscard]] ModuleCommon load_module_common(const kernel::Kernel& kernel);

// The C source of the common object.
[[nodiscard]] std::string module_common_source();

}  // namespace klp::link
