// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/kbuild_environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/text.hpp"
#include "kernel/compiler_identity.hpp"
#include "kernel/kbuild_arguments.hpp"
#include "kernel/make_answer.hpp"

namespace klp::kernel {
namespace {

using Environment = std::vector<std::pair<std::string, std::string>>;

// A goal whose name ends in "install" is one for which the top Makefile does not bring the configuration up to
// date (no-sync-config-targets): it writes nothing. In 7.x, such goals are taken to need no compiler either, and its
// options are not tried out, unless `need-compiler` is set. Where the Makefile calls itself (O=), the outer make
// has not set KBUILD_CFLAGS.
constexpr std::string_view goal = "klp-environment-install";
constexpr std::string_view rule =
    "klp-environment-install: ; @if test -n \"$$KBUILD_CFLAGS\"; then env -0 > $(KLP_ENVIRONMENT); fi";

// Of this make and this shell, not of the kernel.
constexpr std::array<std::string_view, 12> not_kept = {"MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL",
                                                       "PATH",      "HOME",   "TMPDIR",        "PWD",
                                                       "OLDPWD",    "SHLVL",  "TMPOUT",        "KLP_ENVIRONMENT"};

// Kernels up to 5.18 leave out objtool, and with it unwind data and the sites of returns, where the compiler of the
// machine itself has no libelf (SKIP_STACK_VALIDATION). That of a toolchain has none, but objtool is built already.
constexpr std::string_view with_objtool = "has_libelf=1";

std::string configuration(const fs::path& source) {
    const fs::path file = source / "include/config/auto.conf";
    if (!fs::exists(file))
        throw Error({source.string(), {}, {}}, "the source tree is not prepared: include/config/auto.conf is missing")
            .hint("run 'make olddefconfig modules_prepare' in it, with the kernel's config as .config");
    return read_text(file);
}

// From 6.13 on, kernels that are built outside of their source tree have the names of headers without "./", in which
// __FILE__ is; the tree here is the folder of the build as well. What the image says decides.
constexpr std::string_view prefix_map = "KCPPFLAGS=-fmacro-prefix-map=./=";

bool has_mapped_prefixes(const Kernel& kernel) {
    const std::string makefile = read_text(kernel.manifest().source / "Makefile");
    if (makefile.find("-fmacro-prefix-map=$(srcroot)/=") == std::string::npos) return false;
    constexpr std::string_view in_tree = "./include/linux/", mapped("\0include/linux/", 15);
    const MappedFile image(kernel.manifest().vmlinux);
    return !find(image.bytes(), as_bytes(in_tree)) && find(image.bytes(), as_bytes(mapped));
}

std::vector<std::string> capture_argv(const Kernel& kernel, const Compiler& compiler, const fs::path& scratch) {
    std::vector<std::string> argv = {"make", "-s", "--no-print-directory", fmt::format("--eval={}", rule)};
    for (std::string& argument : kbuild_arguments(kernel, compiler)) argv.push_back(std::move(argument));
    argv.emplace_back("need-compiler=1");
    argv.emplace_back(with_objtool);
    if (has_mapped_prefixes(kernel)) argv.emplace_back(prefix_map);
    argv.push_back("KERNELRELEASE=" + kernel.manifest().release);
    argv.push_back("TMPOUT=" + (scratch / "try").string());
    argv.push_back("KLP_ENVIRONMENT=" + (scratch / "environment").string());
    argv.emplace_back(goal);
    return argv;
}

std::string capture(const Kernel& kernel, const Compiler& compiler) {
    const TempDir scratch("klp-kbuild");
    Command command;
    command.argv = capture_argv(kernel, compiler, scratch.path());
    for (const char* name : {"PATH", "HOME"})  // not the user's CFLAGS, V, O, …
        if (const char* text = std::getenv(name)) command.environment.emplace_back(name, text);
    command.environment.emplace_back("TMPDIR", scratch.path());  // of trial compilations that may be cut short
    command.environment.emplace_back("LC_ALL", "C");
    command.clear_environment = true;
    command.sandbox = compiler.sandbox({fs::canonical(kernel.manifest().source)}, {scratch.path()});
    constexpr auto what = "asking the kernel's Makefile for its variables";
    check_make_was_able(run_checked(command, what), what);
    const fs::path file = scratch.path() / "environment";
    if (!fs::exists(file))
        throw Error({kernel.manifest().source.string(), {}, {}}, "the top Makefile does not export KBUILD_CFLAGS");
    return read_text(file);
}

Environment parse(std::string_view text) {
    Environment environment;
    for (const std::string_view entry : c_strings(text)) {
        const std::size_t equals = entry.find('=');
        if (equals == std::string_view::npos) continue;
        const std::string_view name = entry.substr(0, equals);
        if (std::ranges::find(not_kept, name) == not_kept.end())
            environment.emplace_back(name, entry.substr(equals + 1));
    }
    std::ranges::sort(environment);
    return environment;
}

std::string linker(const Kernel& kernel) {
    return is_native(kernel.arch()) ? "ld" : fmt::format("{}ld", kernel.arch().cross_prefix());
}

// Those that export variables and try out options.
std::vector<fs::path> makefiles(const fs::path& source, const arch::Arch& arch) {
    std::vector<fs::path> found;
    for (const fs::path& path : {source / "Makefile", source / fmt::format("arch/{}/Makefile", arch.kbuild_name()),
                                 source / "scripts/Makefile.compiler", source / "scripts/Makefile.extrawarn"})
        if (fs::exists(path)) found.push_back(path);
    return found;
}

}  // namespace

Environment kbuild_environment(const Kernel& kernel, const Compiler& compiler) {
    const fs::path& source = kernel.manifest().source;
    std::vector<std::string> made_from = {"compiler " + compiler.program, compiler.identity,
                                          fmt::format("arguments {} {}", with_objtool, prefix_map),
                                          "configuration " + sha256_hex(as_bytes(configuration(source)))};
    // Trial links have an answer in it, too.
    if (program_of(compiler, linker(kernel))) made_from.push_back("linker " + program_digest(compiler, linker(kernel)));
    for (const fs::path& makefile : makefiles(source, kernel.arch()))
        made_from.push_back(makefile.string() + " " + sha256_hex(as_bytes(read_text(makefile))));
    return parse(kernel.derived("kbuild-environment", made_from).get([&] { return capture(kernel, compiler); }));
}

}  // namespace klp::kernel
