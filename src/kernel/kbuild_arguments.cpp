// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/kbuild_arguments.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>

namespace klp::kernel {

bool is_native(const arch::Arch& arch) {
    utsname names{};
    return uname(&names) == 0 && arch.name() == std::string_view(names.machine);
}

std::vector<std::string> kbuild_arguments(const Kernel& kernel, const Compiler& compiler) {
    std::vector<std::string> arguments = {"-C", kernel.manifest().source.string(),
                                          fmt::format("ARCH={}", kernel.arch().kbuild_name()),
                                          "CC=" + compiler.program};
    if (!is_native(kernel.arch())) arguments.push_back(fmt::format("CROSS_COMPILE={}", kernel.arch().cross_prefix()));
    return arguments;
}

}  // namespace klp::kernel
