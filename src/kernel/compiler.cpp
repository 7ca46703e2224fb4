// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/compiler.hpp"

#include <fmt/format.h>

#include "base/process.hpp"
#include "kernel/text.hpp"

namespace klp::kernel {

namespace {

// GCC's version text begins with the name by which it was called; clang's has "clang version" after a vendor.
std::string program_of(std::string_view version_text) {
    if (version_text.find("clang version") != std::string_view::npos) return "clang";
    return std::string(version_text.substr(0, version_text.find(' ')));
}

}  // namespace

Compiler find_compiler(const Config& config, const Location& where) {
    const auto wanted = config.value("CONFIG_CC_VERSION_TEXT");
    if (!wanted || wanted->empty()) throw Error(where, "the config does not name the compiler: CONFIG_CC_VERSION_TEXT is missing");
    Compiler compiler{program_of(*wanted), std::string(*wanted)};
    if (!find_program(compiler.program)) {
        throw Error(where, fmt::format("the kernel was compiled by '{}', and there is no {} here", *wanted, compiler.program))
            .hint(fmt::format("install it: apt-get install {}", compiler.program));
    }
    const std::string output =
        run_checked({.argv = {compiler.program, "--version"}, .environment = {{"LC_ALL", "C"}}}, "the compiler does not run").output;
    const std::string_view found = std::string_view(output).substr(0, output.find('\n'));
    if (found != *wanted) {
        throw Error(where, fmt::format("the kernel was compiled by '{}', but {} here is '{}'", *wanted, compiler.program, found))
            .hint("other compilers give other code: install the same version, or take a kernel that this one compiled");
    }
    return compiler;
}

}  // namespace klp::kernel
