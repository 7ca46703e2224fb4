// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline/module_name.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/kernel_names.hpp"

namespace klp::pipeline {
namespace {

std::string name_from_patch(const fs::path& patch) {
    std::string name = "livepatch_" + patch.stem().string();
    std::ranges::replace_if(
        name, [](char c) { return !is_module_name_character(c); }, '_');
    return name.substr(0, longest_module_name);
}

}  // namespace

std::string module_name(const kernel::Kernel& kernel, const Request& request) {
    if (request.name.empty() && request.patches.empty()) throw Error("no patch file given", ExitCode::usage);
    std::string name = request.name.empty() ? name_from_patch(request.patches.front()) : request.name;
    if (!std::ranges::all_of(name, is_module_name_character)) {
        throw Error(fmt::format("'{}' is no name for a module: letters, digits and '_' are allowed", name),
                    ExitCode::usage);
    }
    if (name.size() > longest_module_name) {
        throw Error(fmt::format("the module's name '{}' has {} characters, at most {} are allowed", name, name.size(),
                                longest_module_name),
                    ExitCode::usage);
    }
    if (name == vmlinux || kernel.module_path(name)) {
        throw Error(fmt::format("the kernel has a module '{}' already", name), ExitCode::usage)
            .hint("give the livepatch another name with --name");
    }
    return name;
}

}  // namespace klp::pipeline
