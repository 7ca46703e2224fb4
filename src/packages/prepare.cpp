// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/prepare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <thread>

#include "base/process.hpp"
#include "base/text.hpp"
#include "kernel/compiler.hpp"

namespace klp::packages {

namespace {

struct Tool {
    std::string_view program;
    std::string_view package;
};

struct Header {
    std::string_view file;
    std::string_view package;
};

// Without pahole, kconfig drops CONFIG_DEBUG_INFO_BTF_MODULES, and struct module gets another layout.
constexpr std::array<Tool, 8> tools{{{"make", "make"},
                                     {"gcc", "gcc"},
                                     {"ld", "binutils"},
                                     {"flex", "flex"},
                                     {"bison", "bison"},
                                     {"bc", "bc"},
                                     {"perl", "perl"},
                                     {"pahole", "dwarves"}}};

// tools/objtool needs libelf; scripts/sign-file and certs/extract-cert need OpenSSL.
constexpr std::array<Header, 2> headers{{{"gelf.h", "libelf-dev"}, {"openssl/opensslv.h", "libssl-dev"}}};

bool has_header(std::string_view file) {
    return run({.argv = {"gcc", "-fsyntax-only", "-x", "c", "-"}, .input = fmt::format("#include <{}>\n", file)})
               .status == 0;
}

// kbuild takes ARCH, KBUILD_OUTPUT, KCFLAGS and many more from the environment: none of the user's may leak in.
std::vector<std::pair<std::string, std::string>> clean_environment(const fs::path& temporary) {
    const auto value = [](const char* name) { return std::string(std::getenv(name) ? std::getenv(name) : ""); };
    return {{"PATH", value("PATH")}, {"HOME", value("HOME")}, {"TMPDIR", temporary}, {"LC_ALL", "C"}};
}

void make(const fs::path& source, const arch::Arch& arch, const std::vector<std::string>& arguments) {
    std::vector<std::string> argv{"make", "-s", fmt::format("ARCH={}", arch.kbuild_name())};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    // For what compilers and scripts that are cut short leave behind. It goes when the tree is prepared again.
    const TempDir temporary("tmp", source);
    run_checked({.argv = std::move(argv),
                 .directory = source,
                 .environment = clean_environment(temporary.path()),
                 .clear_environment = true},
                fmt::format("make {} of the kernel's source failed", arguments.front()));
}

// Versions of tools, which differ from one point release of the distribution to the next, and names of keys.
bool is_harmless(std::string_view option) {
    constexpr std::array<std::string_view, 4> names{"CONFIG_CC_VERSION_TEXT", "CONFIG_BUILD_SALT",
                                                    "CONFIG_MODULE_SIG_KEY", "CONFIG_SYSTEM_TRUSTED_KEYS"};
    constexpr std::array<std::string_view, 9> versions{"AS",     "LD",    "LLD",     "GCC",       "CLANG",
                                                       "PAHOLE", "RUSTC", "BINDGEN", "RUSTC_LLVM"};
    if (std::find(names.begin(), names.end(), option) != names.end()) return true;
    return std::any_of(versions.begin(), versions.end(), [option](std::string_view tool) {
        return option == fmt::format("CONFIG_{}_VERSION", tool) ||
               option == fmt::format("CONFIG_{}_VERSION_TEXT", tool);
    });
}

std::string shown(const std::optional<std::string_view>& value) {
    return value ? fmt::format("'{}'", *value) : "not set";
}

}  // namespace

void check_prepare_tools() {
    std::set<std::string_view> packages;
    for (const Tool& tool : tools) {
        if (!find_program(tool.program)) packages.insert(tool.package);
    }
    for (const Header& header : headers) {
        if (!packages.contains("gcc") && !has_header(header.file)) packages.insert(header.package);
    }
    if (packages.empty()) return;
    const std::string names = fmt::format("{}", fmt::join(packages, " "));
    throw Error("a kernel's source cannot be prepared here, packages are missing: " + names)
        .hint("apt-get install " + names);
}

std::vector<std::string> config_differences(const kernel::Config& shipped, const kernel::Config& prepared) {
    std::set<std::string_view> names;
    for (const kernel::Config* config : {&shipped, &prepared}) {
        for (const auto& [name, value] : config->values()) names.insert(name);
    }
    std::vector<std::string> differences;
    for (const std::string_view name : names) {
        const auto before = shipped.value(name);
        const auto after = prepared.value(name);
        if (before != after && !is_harmless(name))
            differences.push_back(fmt::format("{}: {}, {}", name, shown(before), shown(after)));
    }
    return differences;
}

void check_same_config(const fs::path& shipped, const fs::path& prepared) {
    const auto differences = config_differences(kernel::Config::read(shipped), kernel::Config::read(prepared));
    if (differences.empty()) return;
    const std::size_t listed = std::min<std::size_t>(differences.size(), 8);
    std::string text = fmt::format(
        "{}", fmt::join(differences.begin(), differences.begin() + static_cast<std::ptrdiff_t>(listed), "; "));
    if (listed < differences.size()) text += fmt::format("; and {} more", differences.size() - listed);
    Error error({prepared.string(), "", {}},
                fmt::format("the source tree's config is not the shipped one ({}): {}", shipped.string(), text));
    if (text.find("BTF") != std::string::npos || text.find("PAHOLE") != std::string::npos) {
        error.hint("CONFIG_DEBUG_INFO_BTF needs pahole: apt-get install dwarves");
    }
    throw std::move(error).hint("kconfig drops options whose tools the machine lacks: compiler plugins, pahole, rust");
}

void check_prepared(const fs::path& source) {
    for (const char* file : {"include/generated/autoconf.h", "include/generated/utsrelease.h",
                             "include/config/kernel.release", "scripts/mod/modpost"}) {
        if (fs::exists(source / file)) continue;
        throw Error({source.string(), "", {}}, fmt::format("not a prepared kernel source tree: {} is missing", file))
            .hint("configure it, then run: make modules_prepare");
    }
}

void clean_source(const fs::path& source, const arch::Arch& arch) {
    make(source, arch, {"mrproper"});
}

void prepare_source(const PrepareRequest& request, const Progress& progress) {
    const kernel::Config config = kernel::Config::read(request.config);
    const kernel::Compiler compiler = kernel::find_compiler(config, *request.arch, {request.config.string(), "", {}});
    fs::copy_file(request.config, request.source / ".config", fs::copy_options::overwrite_existing);
    const auto make_goals = [&](std::vector<std::string> goals) {
        goals.insert(goals.end(), {"CC=" + compiler.program, "KERNELRELEASE=" + request.release});
        make(request.source, *request.arch, goals);
    };
    progress("configuring the source tree");
    make_goals({"olddefconfig"});
    check_same_config(request.config, request.source / ".config");
    progress("preparing the source tree");
    make_goals({"modules_prepare", fmt::format("-j{}", std::max(1U, std::thread::hardware_concurrency()))});
    fs::copy_file(request.symvers, request.source / "Module.symvers", fs::copy_options::overwrite_existing);
    check_prepared(request.source);
}

}  // namespace klp::packages
