// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/module_compiler.hpp"

#include <fmt/format.h>

namespace klp::kernel {

fs::path ModuleCompiler::compile(std::string_view name, const std::string& source) const {
    write_file(folder_ / "Makefile", fmt::format("obj-m := {}.o\n", name));
    write_file(folder_ / fmt::format("{}.c", name), source);
    const CompileCommand command = kbuild_.module_command(folder_, name);
    fs::path object = folder_ / fmt::format("{}.o", name);
    std::vector<std::string> argv = command.compiler;
    argv.insert(argv.end(), {"-o", object.string(), command.source});
    run_checked(kbuild_.in_tree(argv, folder_), fmt::format("compiling {}.c against the kernel's headers", name));
    for (std::vector<std::string> tool : command.object_tools) {
        tool.push_back(object.string());
        run_checked(kbuild_.in_tree(tool, folder_), fmt::format("preparing {}.o", name));
    }
    return object;
}

}  // namespace klp::kernel
