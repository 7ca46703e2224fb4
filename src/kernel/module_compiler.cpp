// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/module_compiler.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "kernel/make_answer.hpp"

namespace klp::kernel {

namespace {

std::string task_of(std::string_view name) {
    return fmt::format("compiling {}.c against the kernel's headers", name);
}

}  // namespace

bool is_verdict(std::string_view messages) {
    if (messages.find("internal compiler error") != std::string_view::npos) return false;
    bool found = false;
    for (const std::string_view line : split(messages, '\n')) {
        std::size_t at = line.find(": error: ");
        const std::size_t fatal = line.find(": fatal error: ");
        if (fatal != std::string_view::npos && !line.ends_with(": No such file or directory")) return false;
        at = std::min(at, fatal);
        if (at == std::string_view::npos) continue;
        if (!ends_with_place(line.substr(0, at))) return false;
        found = true;
    }
    return found;
}

CompileCommand ModuleCompiler::prepare(std::string_view name, const std::string& source) const {
    write_file(folder_ / "Makefile", fmt::format("obj-m := {}.o\n", name));
    write_file(folder_ / fmt::format("{}.c", name), source);
    return kbuild_.module_command(folder_, name);
}

Command ModuleCompiler::compilation(const CompileCommand& command, std::string_view name) const {
    std::vector<std::string> argv = command.compiler;
    argv.insert(argv.end(), {"-o", (folder_ / fmt::format("{}.o", name)).string(), command.source});
    return kbuild_.in_tree(argv, folder_);
}

fs::path ModuleCompiler::finish(const CompileCommand& command, std::string_view name) const {
    fs::path object = folder_ / fmt::format("{}.o", name);
    for (std::vector<std::string> tool : command.object_tools) {
        tool.push_back(object.string());
        run_checked(kbuild_.in_tree(tool, folder_), fmt::format("preparing {}.o", name));
    }
    return object;
}

fs::path ModuleCompiler::compile(std::string_view name, const std::string& source) const {
    const CompileCommand command = prepare(name, source);
    run_checked(compilation(command, name), task_of(name));
    return finish(command, name);
}

Verdict ModuleCompiler::try_compile(std::string_view name, const std::string& source) const {
    const CompileCommand command = prepare(name, source);
    Command compiler = compilation(command, name);
    compiler.argv.insert(compiler.argv.end() - 1, "-fdiagnostics-color=never");
    const CommandResult result = run(compiler);
    if (result.status == 0) return {finish(command, name), {}};
    constexpr int compiler_refuses = 1;
    if (result.status == compiler_refuses && is_verdict(result.errors)) return {{}, result.errors};
    const std::string ending = result.status > 128 ? fmt::format("was ended by signal {}", result.status - 128)
                                                   : fmt::format("exited with status {}", result.status);
    throw Error(fmt::format("{}: {} {}: {}", task_of(name), compiler.argv.front(), ending,
                            result.errors.substr(0, result.errors.find('\n'))));
}

}  // namespace klp::kernel
