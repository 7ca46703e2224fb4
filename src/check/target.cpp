// SPDX-License-Identifier: GPL-2.0-or-later
#include "check/target.hpp"
#include "base/kernel_names.hpp"

#include <algorithm>

namespace klp::check {

namespace {}  // namespace

Target::Target(const kernel::Kernel& kernel, const std::vector<fs::path>& objects) : kernel_(kernel) {
    for (const fs::path& path : objects) {
        auto module =
            std::make_unique<kernel::Module>(kernel::load_module(path, kernel.config().enabled("CONFIG_KALLSYMS_ALL")));
        const std::string name = module->name;
        files_[name] = std::move(module);
    }
}

const kernel::Module* Target::module(std::string_view name) const {
    if (const auto file = files_.find(name); file != files_.end()) return file->second.get();
    return kernel_.module_path(name) ? &kernel_.module(name) : nullptr;
}

const kernel::SymbolTable* Target::symbols(std::string_view object) const {
    if (object == vmlinux) return &kernel_.symbols();
    const kernel::Module* found = module(object);
    return found == nullptr ? nullptr : &found->symbols;
}

std::vector<std::string> Target::dependencies(std::string_view name) const {
    return kernel::dependencies_in_load_order(name, [this](std::string_view each) {
        const kernel::Module* found = module(each);
        return found == nullptr ? std::vector<std::string>{} : kernel::depends_of(*found);
    });
}

std::map<std::string, fs::path, std::less<>> Target::files() const {
    std::map<std::string, fs::path, std::less<>> paths;
    for (const auto& [name, module] : files_) paths[name] = module->path;
    return paths;
}

}  // namespace klp::check
