// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/module_common.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/kernel_names.hpp"
#include "base/process.hpp"
#include "base/stamp.hpp"
#include "format/livepatch.hpp"
#include "kernel/compiler.hpp"
#include "kernel/features.hpp"
#include "kernel/module_compiler.hpp"

namespace klp::link {
namespace {

constexpr std::string_view glue_name = "klp_glue";

// Whatever linker and object depend on. The config that counts is the tree's, by which its headers were made.
std::vector<std::string> origin_of(const kernel::Kernel& kernel) {
    const FileStamp config = FileStamp::of(kernel.manifest().source / "include/config/auto.conf");
    return {kernel.compiler().identity, config.digest(), sha256_hex(as_bytes(module_common_source()))};
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
        // What is not a module is not looked at: the links `build` and `source` may lead to where this user may not go.
        if (is_module_file(path) && entry.is_regular_file()) return module_name_of_path(path);
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

// The facts in one line, then the object's bytes.
std::string make_common(const kernel::Kernel& kernel) {
    const TempDir scratch("klp-common");
    const kernel::Kbuild kbuild(kernel);
    const kernel::ModuleCompiler module_compiler(kbuild, scratch.path());
    const fs::path object = module_compiler.compile(glue_name, module_common_source());
    check_vermagic(kernel, object);
    const Json facts = {{"linker", linker_argv(kbuild, kernel.manifest().source)}};
    return facts.dump() + "\n" + std::string(as_text(MappedFile(object).bytes()));
}

ModuleCommon read_common(std::string_view text) {
    ModuleCommon common;
    const std::size_t end = text.find('\n');
    common.linker = Json::parse(text.substr(0, end)).at("linker").get<std::vector<std::string>>();
    common.folder = std::make_shared<TempDir>("klp-common");
    common.object = common.folder->path() / fmt::format("{}.o", glue_name);
    write_file(common.object, text.substr(end + 1));
    return common;
}

}  // namespace

ModuleCommon load_module_common(const kernel::Kernel& kernel) {
    ModuleCommon common =
        read_common(kernel.derived("module-common", origin_of(kernel)).get([&] { return make_common(kernel); }));
    common.sandbox = kernel.compiler().sandbox({kernel.manifest().source, common.folder->path()}, {});
    const kernel::Features& features = kernel::probe(kernel);
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
