// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/compiler.hpp"

#include <fmt/format.h>

#include "base/process.hpp"

namespace klp::kernel {

namespace {

// "gcc-12 (Debian 12.2.0-14) 12.2.0" -> "(Debian 12.2.0-14) 12.2.0": the name is the way it was called.
std::string without_name(std::string_view version_text) {
    const std::size_t space = version_text.find(' ');
    return space == std::string_view::npos ? std::string() : std::string(version_text.substr(space + 1));
}

std::string_view name_of(std::string_view version_text) {
    return version_text.substr(0, version_text.find(' '));
}

// "(Debian 12.2.0-14) 12.2.0" -> "12"
std::string major_of(std::string_view version) {
    const std::string_view last = version.substr(version.rfind(' ') + 1);
    return std::string(last.substr(0, last.find('.')));
}

std::string answer_of(const std::string& program, std::string option) {
    const Command command{.argv = {program, std::move(option)}, .environment = {{"LC_ALL", "C"}}};
    return run_checked(command, "the compiler does not say what it is").output;
}

std::string version_of(const std::string& program) {
    const std::string answer = answer_of(program, "--version");
    return without_name(answer.substr(0, answer.find('\n')));
}

std::vector<std::string> candidates(std::string_view recorded_name, const std::string& version,
                                    const arch::Arch& arch) {
    const std::string prefix(arch.cross_prefix());
    const std::string numbered = "gcc-" + major_of(version);
    std::vector<std::string> names = {std::string(recorded_name.substr(recorded_name.rfind('/') + 1))};
    for (const std::string& name : {numbered, std::string("gcc")}) {
        names.push_back(prefix + name);
        // A plain gcc can only be the right one on a machine of that architecture; its version says it.
        names.push_back(name);
    }
    return names;
}

// A plain "gcc" of the right version may still be a compiler for this machine, not for the kernel's.
bool makes_code_for(const std::string& program, const arch::Arch& arch) {
    const std::string answer = answer_of(program, "-dumpmachine");
    const std::string_view prefix = arch.cross_prefix();
    const std::string_view wanted = prefix.substr(0, prefix.find('-'));
    return std::string_view(answer).substr(0, answer.find('-')) == wanted;
}

// "gcc-12", or "gcc-12-powerpc64le-linux-gnu" where a cross compiler made the kernel.
std::string package_of(std::string_view recorded, const std::string& version, const arch::Arch& arch) {
    const std::string package = "gcc-" + major_of(version);
    const std::string_view prefix = arch.cross_prefix();
    const bool is_cross = name_of(recorded).find("-linux-gnu") != std::string_view::npos;
    return is_cross ? fmt::format("{}-{}", package, prefix.substr(0, prefix.size() - 1)) : package;
}

}  // namespace

Compiler find_compiler(const Config& config, const arch::Arch& arch, const Location& where) {
    const std::string recorded(config.value("CONFIG_CC_VERSION_TEXT").value_or(""));
    if (recorded.empty())
        throw NoCompiler(
            Error(where, "the config does not say which compiler made the kernel: no CONFIG_CC_VERSION_TEXT"));
    if (!config.enabled("CONFIG_CC_IS_GCC")) {
        throw NoCompiler(Error(
            where, fmt::format("the kernel was compiled by '{}'; only kernels made by GCC are supported", recorded)));
    }
    const std::string wanted = without_name(recorded);
    std::string others;
    std::optional<Error> silent;  // a program that may have been it
    for (const std::string& program : candidates(name_of(recorded), wanted, arch)) {
        if (!find_program(program)) continue;
        try {
            const std::string version = version_of(program);
            if (!makes_code_for(program, arch)) continue;
            if (version == wanted) return {.program = program, .version = wanted};
            others += fmt::format("{}{} {}", others.empty() ? "" : ", ", program, version);
        } catch (const Error& failure) {
            if (!silent) silent = failure;
        }
    }
    if (silent) throw Error(*silent);
    throw NoCompiler(
        Error(where, fmt::format("the kernel was compiled by '{}', but {}", recorded,
                                 others.empty() ? "that compiler is not installed" : "here is: " + others))
            .hint(fmt::format("other compilers give other code: install that version (on Debian, package {})",
                              package_of(recorded, wanted, arch))));
}

}  // namespace klp::kernel
