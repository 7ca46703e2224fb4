// SPDX-License-Identifier: GPL-2.0-or-later
// Which kernel a command on modules is about: the one that is named, else the one that the modules were made for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernel/kernel.hpp"
#include "kernel/module_target.hpp"

namespace klp::cli {

struct ModuleFile {
    std::string path;
    kernel::ModuleTarget target;
};

// Files may be compressed. Error: one cannot be read.
[[nodiscard]] std::vector<ModuleFile> read_targets(const std::vector<fs::path>& modules);

// The kernel of the catalogue with the modules' release and machine; of several the one that bears the release's name.
// nullopt: there is none. Error: the modules are for different kernels; several kernels fit.
[[nodiscard]] std::optional<kernel::Manifest> fitting_kernel(const std::vector<ModuleFile>& modules);

// `named`, with a warning for each module that is for another release; else the one that fits. Error: there is none.
[[nodiscard]] kernel::Manifest choose_kernel(const std::string& named, const std::vector<fs::path>& modules);

// Warns of each module that is for another release (or another machine) than the kernel's.
void warn_of_other_kernels(const std::vector<ModuleFile>& modules, const std::string& release, std::uint16_t machine);

// What choose_kernel() does without a name, for --help.
inline constexpr auto chosen_kernel = "kernel of the catalogue (default: that of the modules' vermagic)";

}  // namespace klp::cli
