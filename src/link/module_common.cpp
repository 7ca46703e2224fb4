// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/module_common.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/kernel_names.hpp"
#include "base/process.hpp"
#include "format/livepatch.hpp"
#include "kernel/features.hpp"
#include "kernel/module_compiler.hpp"

namespace klp::link {
namespace {

constexpr std::string_view glue_name = "klp_glue";
constexpr std::string_view facts_file = "facts.json";

// Whatever the files of the cache depend on. The config that counts is the tree's, by which its headers were made.
std::string cache_key(const kernel::Kernel& kernel) {
    const kernel::Manifest& manifest = kernel.manifest();
    std::string inputs = module_common_source();
    inputs += fmt::format("{}\n{}\n{}\n", manifest.release, manifest.arch, manifest.source.string());
    const fs::path config = manifest.source / "include/config/auto.conf";
    if (fs::exists(config)) inputs += read_text(config);
    return sha256_hex(as_bytes(inputs)).substr(0, 24);
}

// scripts/Makefile.modfinal: cmd_ld_ko_o
std::vector<std::string> linker_argv(const kernel::Kbuild& kbuild, const fs::path& tree) {
    std::vector<std::string> argv = kbuild.words("LD");
    argv.emplace_back("-r");
    for (const char* variable : {"KBUILD_LDFLAGS", "KBUILD_LDFLAGS_MODULE", "LDFLAGS_MODULE"})
        for (std::string& word : kbuild.words(variable)) argv.push_back(std::move(word));
    const fs::path script = tree / "scripts/module.lds";
    if (!fs::exists(script))
        throw Error({script.string(), {}, {}}, "the linker script of modules is missing")
            .hint("the source tree is not prepared: run 'make modules_prepare' in it");
    argv.insert(argv.end(), {"-T", script.string()});
    return argv;
}

std::optional<std::string> modinfo_value(const elf::Object& object, std::string_view key) {
    for (const auto& [name, value] : format::read_modinfo(object))
        if (name == key) return value;
    return std::nullopt;
}

std::optional<std::string> any_module(const fs::path& folder) {
    if (folder.empty() || !fs::exists(folder)) return std::nullopt;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        const std::string& path = entry.path().native();
        if (entry.is_regular_file() && is_module_file(path)) return module_name_of_path(path);
    }
    return std::nullopt;
}

// kernel/module/main.c:check_modinfo refuses a module whose vermagic differs; the shipped modules say which one
// the kernel has, the prepared tree says which one it would give.
void check_vermagic(const kernel::Kernel& kernel, const fs::path& object) {
    const auto shipped_name = any_module(kernel.manifest().modules);
    if (!shipped_name) return;
    const kernel::Module& module = kernel.module(*shipped_name);
    const auto shipped = modinfo_value(module.object, "vermagic");
    const auto made = modinfo_value(elf::Object::read(object), "vermagic");
    if (!shipped || shipped == made) return;
    throw Error({kernel.manifest().source.string(), {}, {}},
                fmt::format("this source tree makes modules with vermagic '{}', but the kernel's module '{}' has '{}'",
                            made.value_or(""), *shipped_name, *shipped))
        .hint("check that the source tree is of that kernel, and was prepared with its config and KERNELRELEASE");
}

void make_glue(const kernel::Kernel& kernel, const fs::path& folder) {
    fs::create_directories(folder.parent_path());
    const TempDir scratch("new", folder.parent_path());
    const kernel::Kbuild kbuild(kernel);
    const kernel::ModuleCompiler module_compiler(kbuild, scratch.path());
    check_vermagic(kernel, module_compiler.compile(glue_name, module_common_source()));
    const Json facts = {{"linker", linker_argv(kbuild, kernel.manifest().source)}};
    write_file(scratch.path() / facts_file, facts.dump(2) + "\n");
    std::error_code error;
    fs::rename(scratch.path(), folder, error);
    // Another process may have been faster; what it made is the same.
    if (error && !fs::exists(folder / facts_file))
        throw Error({folder.string(), {}, {}}, fmt::format("cannot be made: {}", error.message()));
}

ModuleCommon read_glue(const fs::path& folder) {
    ModuleCommon common;
    common.object = folder / fmt::format("{}.o", glue_name);
    const fs::path file = folder / facts_file;
    try {
        const Json facts = Json::parse(read_text(file));
        common.linker = facts.at("linker").get<std::vector<std::string>>();
    } catch (const Json::exception& damage) {
        throw Error({file.string(), {}, {}}, fmt::format("is damaged: {}", damage.what()))
            .hint("remove the file's folder; it is made again");
    }
    return common;
}

}  // namespace

ModuleCommon load_module_common(const kernel::Kernel& kernel) {
    const fs::path folder = kernel.cache_folder() / "make" / cache_key(kernel);
    if (!fs::exists(folder / facts_file)) make_glue(kernel, folder);
    ModuleCommon common = read_glue(folder);
    const kernel::Features features = kernel::probe(kernel);
    const Location where{kernel.manifest().source.string(), {}, {}};
    if (features.headers_error) throw Error(where, *features.headers_error);
    if (!features.loader.layout)
        throw Error(where, "the kernel's headers lack structures of livepatches")
            .hint("a kernel without CONFIG_LIVEPATCH has none");
    common.layout = *features.loader.layout;
    // The differ derives what is missing from the relocations: a kernel need not have every structure (no struct
    // bug_entry without CONFIG_BUG).
    common.entry_sizes = features.entry_sizes;
    return common;
}

}  // namespace klp::link
