// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/compiler.hpp"

#include <fmt/format.h>

#include "base/process.hpp"
#include "base/text.hpp"
#include "kernel/toolchain.hpp"

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

// "(Debian 12.2.0-14) 12.2.0" -> "12". Some have a date behind it: "(Debian 10.2.1-6) 10.2.1 20210110".
std::string major_of(std::string_view version) {
    const std::size_t close = version.find(')');
    const std::string_view number = trimmed(version.substr(close == std::string_view::npos ? 0 : close + 1));
    return std::string(number.substr(0, number.find_first_not_of("0123456789")));
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

bool is_for(std::string_view machine, const arch::Arch& arch) {
    const std::string_view prefix = arch.cross_prefix();
    return machine.substr(0, machine.find('-')) == prefix.substr(0, prefix.find('-'));
}

// A plain "gcc" of the right version may still be a compiler for this machine, not for the kernel's.
bool makes_code_for(const std::string& program, const arch::Arch& arch) {
    return is_for(answer_of(program, "-dumpmachine"), arch);
}

// "gcc-12", or "gcc-12-powerpc64le-linux-gnu" where a cross compiler made the kernel.
std::string package_of(std::string_view recorded, const std::string& version, const arch::Arch& arch) {
    const std::string package = "gcc-" + major_of(version);
    const std::string_view prefix = arch.cross_prefix();
    const bool is_cross = name_of(recorded).find("-linux-gnu") != std::string_view::npos;
    return is_cross ? fmt::format("{}-{}", package, prefix.substr(0, prefix.size() - 1)) : package;
}

std::string recorded_compiler(const Config& config, const Location& where) {
    std::string recorded(config.value("CONFIG_CC_VERSION_TEXT").value_or(""));
    if (recorded.empty())
        throw NoCompiler(
            Error(where, "the config does not say which compiler made the kernel: no CONFIG_CC_VERSION_TEXT"));
    if (!config.enabled("CONFIG_CC_IS_GCC")) {
        throw NoCompiler(Error(
            where, fmt::format("the kernel was compiled by '{}'; only kernels made by GCC are supported", recorded)));
    }
    return recorded;
}

std::optional<Compiler> of_toolchains(const std::string& version, const arch::Arch& arch) {
    for (const Toolchain& toolchain : list_toolchains())
        for (const ToolchainCompiler& compiler : toolchain.compilers)
            if (compiler.version == version && is_for(compiler.machine, arch))
                return Compiler{.program = compiler.program, .version = version, .root = toolchain.root};
    return std::nullopt;
}

}  // namespace

std::optional<Sandbox> Compiler::sandbox(std::vector<fs::path> readable, std::vector<fs::path> writable) const {
    if (root.empty()) return std::nullopt;
    return Sandbox{root, std::move(readable), std::move(writable)};
}

CompilerText parse_compiler_text(std::string_view text) {
    CompilerText parsed{
        .name = std::string(name_of(text)), .version = without_name(text), .major = {}, .package_version = {}};
    parsed.major = major_of(parsed.version);
    const std::size_t open = parsed.version.find('('), close = parsed.version.find(')');
    if (open == std::string::npos || close == std::string::npos || close < open) return parsed;
    const std::string_view inside = std::string_view(parsed.version).substr(open + 1, close - open - 1);
    if (const std::size_t space = inside.find(' '); space != std::string_view::npos)
        parsed.package_version = inside.substr(space + 1);
    return parsed;
}

Compiler find_compiler(const Config& config, const arch::Arch& arch, const Location& where) {
    const std::string recorded = recorded_compiler(config, where);
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
    if (auto compiler = of_toolchains(wanted, arch)) return *std::move(compiler);
    if (silent) throw Error(*silent);
    throw NoCompiler(
        Error(where, fmt::format("the kernel was compiled by '{}', but {}", recorded,
                                 others.empty() ? "that compiler is not installed" : "here is: " + others))
            .hint(fmt::format("other compilers give other code: install that version (on Debian, package {})",
                              package_of(recorded, wanted, arch))));
}

Compiler find_compiler(const Kernel& kernel) {
    const Manifest& manifest = kernel.manifest();
    const Location where{manifest.config.string(), {}, {}};
    if (manifest.toolchain.empty()) return find_compiler(kernel.config(), kernel.arch(), where);
    const CompilerText wanted = parse_compiler_text(recorded_compiler(kernel.config(), where));
    const auto toolchain = load_toolchain(manifest.toolchain);
    if (!toolchain)
        throw NoCompiler(Error(where, fmt::format("toolchain '{}', which kernel '{}' is built for with, is not there",
                                                  manifest.toolchain, manifest.name))
                             .hint(fmt::format("klp kernel fetch {}", manifest.name)));
    const ToolchainCompiler* nearest = nullptr;
    for (const ToolchainCompiler& compiler : toolchain->compilers) {
        if (!is_for(compiler.machine, kernel.arch()) || major_of(compiler.version) != wanted.major) continue;
        if (nearest == nullptr || compiler.version == wanted.version) nearest = &compiler;
    }
    if (nearest == nullptr)
        throw NoCompiler(Error(
            {toolchain->root.string(), {}, {}},
            fmt::format("toolchain '{}' has no gcc {} for {}", toolchain->name, wanted.major, kernel.arch().name())));
    return {.program = nearest->program, .version = nearest->version, .root = toolchain->root};
}

std::optional<std::string> compiler_difference(const Kernel& kernel) {
    const std::string recorded = recorded_compiler(kernel.config(), {kernel.manifest().config.string(), {}, {}});
    const Compiler& compiler = kernel.compiler();
    if (compiler.version == parse_compiler_text(recorded).version) return std::nullopt;
    return fmt::format("the kernel was compiled by '{}', and this by {} {}", recorded, compiler.program,
                       compiler.version);
}

}  // namespace klp::kernel
