// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/kernel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "arch/registry.hpp"
#include "base/abandoned.hpp"
#include "base/errno_text.hpp"
#include "base/lazy.hpp"
#include "kernel/compiler_identity.hpp"
#include "kernel/manifest.hpp"
#include "kernel/module.hpp"
#include "kernel/soft_dependencies.hpp"
#include "kernel/vmlinux.hpp"

namespace klp::kernel {

namespace {

// Sections with addresses, sorted. x86's .data..percpu is linked at address 0 and so belongs here as well.
std::vector<const elf::Section*> sections_by_address(const elf::Object& vmlinux) {
    std::vector<const elf::Section*> sections;
    for (const auto& section : vmlinux.sections()) {
        if (section->is_alloc() && section->size() > 0) sections.push_back(section.get());
    }
    std::sort(sections.begin(), sections.end(), [](const auto* a, const auto* b) { return a->address < b->address; });
    return sections;
}

}  // namespace

struct Kernel::Parts {
    Manifest manifest;
    std::optional<FileLock> in_use;
    Lazy<Config> config;
    Lazy<Exports> exports;
    Lazy<Compiler> compiler;
    Lazy<VmlinuxFile> vmlinux_file;
    Lazy<elf::Object> vmlinux;
    Lazy<SymbolTable> symbols;
    Lazy<std::vector<const elf::Section*>> sections;
    Lazy<Features> features;
    Lazy<ModuleFiles> module_files;
    Lazy<ModuleAliases> aliases;
    std::mutex modules_lock;  // of `modules`; the modules in it never move
    std::map<std::string, std::unique_ptr<Module>, std::less<>> modules;
};

Kernel::Kernel(Manifest manifest) : parts_(std::make_unique<Parts>()) {
    parts_->manifest = std::move(manifest);
    parts_->in_use = use_kernel(parts_->manifest.name);
    if (!parts_->in_use) return;
    for (const char* folder : {"", "objects", "patched-objects"}) remove_abandoned(cache_folder() / folder);
}
Kernel::~Kernel() = default;
Kernel::Kernel(Kernel&&) noexcept = default;

const Manifest& Kernel::manifest() const noexcept {
    return parts_->manifest;
}

const arch::Arch& Kernel::arch() const {
    return arch::for_name(manifest().arch);
}

const Config& Kernel::config() const {
    return parts_->config.get([this] { return Config::read(manifest().config); });
}

const Exports& Kernel::exports() const {
    return parts_->exports.get([this] { return Exports::read(manifest().symvers); });
}

const Compiler& Kernel::compiler() const {
    return parts_->compiler.get([this] {
        Compiler compiler = find_compiler(*this);
        compiler.identity = compiler_identity(compiler);
        return compiler;
    });
}

const elf::Object& Kernel::vmlinux() const {
    return parts_->vmlinux.get([this] { return elf::Object::read(vmlinux_path()); });
}

const fs::path& Kernel::vmlinux_path() const {
    return parts_->vmlinux_file.get([this] { return VmlinuxFile(manifest()); }).path();
}

const SymbolTable& Kernel::symbols() const {
    return parts_->symbols.get([this] { return read_vmlinux_symbols(vmlinux()); });
}

const elf::Section* Kernel::section_at(std::uint64_t address) const {
    const auto& sections = parts_->sections.get([this] { return sections_by_address(vmlinux()); });
    const auto above =
        std::upper_bound(sections.begin(), sections.end(), address,
                         [](std::uint64_t value, const elf::Section* section) { return value < section->address; });
    if (above == sections.begin()) return nullptr;
    const elf::Section* section = *std::prev(above);
    return address - section->address < section->size() ? section : nullptr;
}

std::optional<Bytes> Kernel::read(std::uint64_t address, std::uint64_t size) const {
    const elf::Section* section = section_at(address);
    if (section == nullptr) return std::nullopt;
    const Bytes content = section->content();
    const std::uint64_t offset = address - section->address;
    if (offset > content.size() || size > content.size() - offset) return std::nullopt;
    return content.subspan(offset, size);
}

const Features& Kernel::features() const {
    return parts_->features.get([this] { return probe_features(*this); });
}

const ModuleFiles& Kernel::module_files() const {
    return parts_->module_files.get([this] { return ModuleFiles::read(manifest().modules); });
}

std::optional<fs::path> Kernel::module_path(std::string_view name) const {
    return module_files().path_of(name);
}

const Module& Kernel::module(std::string_view name) const {
    const std::lock_guard lock(parts_->modules_lock);
    if (const auto found = parts_->modules.find(name); found != parts_->modules.end()) return *found->second;
    const auto path = module_path(name);
    if (!path) {
        throw Error(fmt::format("kernel {} has no module '{}'", manifest().name, name))
            .hint(manifest().modules.empty() ? "it was added without --modules"
                                             : "its modules are under " + manifest().modules.string());
    }
    auto module = std::make_unique<Module>(load_module(*path, config().enabled("CONFIG_KALLSYMS_ALL")));
    return *parts_->modules.emplace(std::string(name), std::move(module)).first->second;
}

std::vector<std::string> Kernel::module_dependencies(std::string_view name) const {
    return dependencies_in_load_order(name,
                                      [this](std::string_view module_name) { return depends_of(module(module_name)); });
}

std::vector<std::string> Kernel::soft_dependencies(std::string_view name) const {
    std::vector<std::string> modules;
    for (const std::string& wanted : soft_dependencies_of(module(name).object)) {
        if (module_path(wanted)) {
            modules.push_back(wanted);
            continue;
        }
        const auto& aliases = parts_->aliases.get([this] { return ModuleAliases::read(module_files(), *this); });
        for (std::string& found : aliases.modules_of(wanted)) modules.push_back(std::move(found));
    }
    return modules;
}

fs::path Kernel::cache_folder() const {
    return kernel_folder(manifest().name) / "cache";
}

DerivedFile Kernel::derived(std::string_view kind, std::vector<std::string> made_from) const {
    made_from.insert(made_from.begin(), {manifest().release, manifest().arch, manifest().source.string()});
    const std::string digest = sha256_hex(as_bytes(fmt::format("{}", fmt::join(made_from, "\n"))));
    return {cache_folder() / fmt::format("{}-{}", kind, digest.substr(0, 16)), kind, made_from};
}

}  // namespace klp::kernel
