// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/choose_kernel.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "arch/registry.hpp"
#include "cli/command.hpp"
#include "kernel/catalogue.hpp"
#include "kernel/module.hpp"

namespace klp::cli {

namespace {

bool is_same_kernel(const kernel::ModuleTarget& a, const kernel::ModuleTarget& b) {
    return a.release == b.release && a.machine == b.machine;
}

// The first module that says what it is for; all that say it have to agree.
const ModuleFile* spokesman(const std::vector<ModuleFile>& modules) {
    const ModuleFile* first = nullptr;
    for (const ModuleFile& module : modules) {
        if (module.target.release.empty()) continue;
        if (first == nullptr) first = &module;
        if (is_same_kernel(first->target, module.target)) continue;
        throw Error(fmt::format("modules of different kernels: {} is for release '{}', {} for '{}'{}", first->path,
                                first->target.release, module.path, module.target.release,
                                first->target.machine == module.target.machine ? "" : " and another machine"))
            .hint("name the kernel that is meant with --kernel");
    }
    return first;
}

// A kernel that was fetched has the name of its release: the one that is meant may be here, and cannot be read.
void check_not_damaged(const std::string& release) {
    for (const kernel::DamagedKernel& each : kernel::read_catalogue().damaged)
        if (each.name == release) (void)kernel::find_kernel(release);
}

[[noreturn]] void no_kernel_fits(const std::vector<ModuleFile>& modules) {
    const ModuleFile* module = spokesman(modules);
    if (module == nullptr) {
        const std::string path = modules.empty() ? "" : modules.front().path;
        if (!modules.empty()) (void)kernel::read_module_object(path);  // if it is none, that is what is to be said
        throw Error({path, {}, {}}, "does not say which kernel it is for: no vermagic").hint("name one with --kernel");
    }
    const std::string& release = module->target.release;
    throw Error(
        {module->path, {}, {}},
        fmt::format("is for release '{}', and no kernel of the catalogue is of that release and machine", release))
        .hint(fmt::format(
            "get it with 'klp kernel fetch {}', add it with 'klp kernel add', or name another with --kernel", release));
}

}  // namespace

std::vector<ModuleFile> read_targets(const std::vector<fs::path>& modules) {
    std::vector<ModuleFile> files;
    for (const fs::path& path : modules)
        files.push_back({path.string(), kernel::target_of_module(kernel::ModuleBytes(path).bytes())});
    return files;
}

std::optional<kernel::Manifest> fitting_kernel(const std::vector<ModuleFile>& modules) {
    const ModuleFile* module = spokesman(modules);
    if (module == nullptr) return std::nullopt;
    std::vector<kernel::Manifest> fitting = kernel::list_kernels(stderr_progress());
    std::erase_if(fitting, [&](const kernel::Manifest& each) {
        return each.release != module->target.release || arch::for_name(each.arch).machine() != module->target.machine;
    });
    if (fitting.empty()) check_not_damaged(module->target.release);
    if (fitting.empty()) return std::nullopt;
    const auto namesake = std::ranges::find(fitting, module->target.release, &kernel::Manifest::name);
    if (namesake != fitting.end()) return std::move(*namesake);
    if (fitting.size() == 1) return std::move(fitting.front());
    std::string names;
    for (const kernel::Manifest& each : fitting) names += (names.empty() ? "" : ", ") + each.name;
    throw Error({module->path, {}, {}},
                fmt::format("several kernels of the catalogue are of release '{}': {}", module->target.release, names))
        .hint("name one with --kernel");
}

kernel::Manifest choose_kernel(const std::string& named, const std::vector<fs::path>& modules) {
    const std::vector<ModuleFile> files = read_targets(modules);
    if (!named.empty()) {
        kernel::Manifest manifest = kernel::find_kernel(named);
        warn_of_other_kernels(files, manifest.release, arch::for_name(manifest.arch).machine());
        return manifest;
    }
    auto manifest = fitting_kernel(files);
    if (!manifest) no_kernel_fits(files);
    return *std::move(manifest);
}

void warn_of_other_kernels(const std::vector<ModuleFile>& modules, const std::string& release, std::uint16_t machine) {
    Diagnostics warnings;
    for (const ModuleFile& module : modules) {
        const std::string& own = module.target.release;
        if (own == release && module.target.machine == machine) continue;
        const std::string what = own.empty()
                                     ? "does not say which release it is for"
                                     : fmt::format("is for release '{}'{}", own,
                                                   module.target.machine == machine ? "" : " of another architecture");
        warnings.warning("kernel.other-release", {module.path, ".modinfo", {}},
                         fmt::format("{}, the kernel is '{}'", what, release));
    }
    print_findings(warnings);
}

}  // namespace klp::cli
