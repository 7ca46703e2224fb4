// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/module_common.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/kernel_names.hpp"
#include "base/process.hpp"
#include "format/livepatch.hpp"
#include "kernel/module_compiler.hpp"

namespace klp::link {
namespace {

constexpr std::string_view glue_name = "klp_glue";
constexpr std::string_view layout_name = "klp_layout";
constexpr std::string_view facts_file = "facts.json";

struct SizeProbe {
    std::string_view section;
    std::string_view expression;
    std::string_view header;
};

std::vector<SizeProbe> size_probes(const arch::Arch& arch) {
    std::vector<SizeProbe> probes;
    for (const arch::SpecialSection& special : arch.special_sections())
        if (!special.size_probe.empty())
            probes.push_back({special.name, special.size_probe, special.size_probe_header});
    return probes;
}

std::string layout_source() {
    std::vector<std::string> expressions;
    for (const kernel::LayoutField& field : kernel::layout_fields()) expressions.emplace_back(field.expression);
    return kernel::probe_source({"linux/module.h", "linux/livepatch.h"}, expressions);
}

// Whatever the files of the cache depend on. The config that counts is the tree's, by which its headers were made.
std::string cache_key(const kernel::Kernel& kernel) {
    const kernel::Manifest& manifest = kernel.manifest();
    std::string inputs = module_common_source() + layout_source();
    for (const SizeProbe& probe : size_probes(kernel.arch()))
        inputs += fmt::format("{}={}\n", probe.section, probe.expression);
    inputs += fmt::format("{}\n{}\n{}\n", manifest.release, manifest.arch, manifest.source.string());
    const fs::path config = manifest.source / "include/config/auto.conf";
    if (fs::exists(config)) inputs += read_text(config);
    return sha256_hex(as_bytes(inputs)).substr(0, 24);
}

// A kernel need not have every structure (no struct bug_entry without CONFIG_BUG), so each is asked for alone;
// the differ derives what is missing from the relocations.
Json probe_entry_sizes(const kernel::ModuleCompiler& module_compiler, const arch::Arch& arch) {
    Json sizes = Json::object();
    for (const SizeProbe& probe : size_probes(arch)) {
        std::vector<std::string> headers = {"linux/types.h"};
        if (!probe.header.empty()) headers.emplace_back(probe.header);
        try {
            const fs::path object = module_compiler.compile(
                "klp_entry_size", kernel::probe_source(headers, {std::string(probe.expression)}));
            sizes[std::string(probe.section)] = kernel::read_probe(elf::Object::read(object), 1).front();
        } catch (const Error&) {
            continue;
        }
    }
    return sizes;
}

Json probe_layout(const kernel::ModuleCompiler& module_compiler) {
    const elf::Object object = elf::Object::read(module_compiler.compile(layout_name, layout_source()));
    const std::vector<std::uint64_t> values = kernel::read_probe(object, kernel::layout_fields().size());
    Json layout = Json::object();
    for (std::size_t i = 0; i < values.size(); ++i) layout[std::string(kernel::layout_fields()[i].name)] = values[i];
    return layout;
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
    const Json facts = {{"layout", probe_layout(module_compiler)},
                        {"entry_sizes", probe_entry_sizes(module_compiler, kernel.arch())},
                        {"linker", linker_argv(kbuild, kernel.manifest().source)}};
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
        for (const kernel::LayoutField& field : kernel::layout_fields())
            common.layout.*field.member = facts.at("layout").at(std::string(field.name)).get<std::uint64_t>();
        for (const auto& [section, size] : facts.at("entry_sizes").items())
            common.entry_sizes.emplace_back(section, size.get<std::uint32_t>());
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
    return read_glue(folder);
}

}  // namespace klp::link
