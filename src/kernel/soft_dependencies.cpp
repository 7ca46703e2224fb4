// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/soft_dependencies.hpp"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

#include "base/kernel_names.hpp"
#include "base/parallel.hpp"
#include "base/text.hpp"

namespace klp::kernel {

namespace {

std::string aliases_as_text(const ModuleFiles& files) {
    const std::vector<std::pair<std::string, fs::path>> modules(files.paths().begin(), files.paths().end());
    std::vector<std::string> texts(modules.size());
    parallel_for(modules.size(), 0, [&](std::size_t i) {
        const elf::Object object = read_module_object(modules[i].second);
        for (const std::string_view alias : modinfo_values(object, "alias"))
            texts[i] += fmt::format("{}\t{}\n", with_underscores(alias), modules[i].first);
    });
    return fmt::format("{}", fmt::join(texts, ""));
}

// Sizes and times: reading thousands of modules is what is to be saved.
std::string state_of(const ModuleFiles& files) {
    std::string state;
    for (const auto& [name, path] : files.paths()) {
        const auto time = fs::last_write_time(path).time_since_epoch().count();
        state += fmt::format("{} {} {}\n", path.string(), fs::file_size(path), time);
    }
    return sha256_hex(as_bytes(state));
}

}  // namespace

std::vector<std::string> soft_dependencies_of(const elf::Object& module) {
    std::vector<std::string> names;
    for (const std::string_view value : modinfo_values(module, "softdep")) {
        bool is_before = false;
        for (const std::string_view word : split(value, ' ')) {
            if (word.ends_with(':')) {
                is_before = word == "pre:";
            } else if (is_before && !word.empty()) {
                names.push_back(with_underscores(word));
            }
        }
    }
    return names;
}

ModuleAliases ModuleAliases::read(const ModuleFiles& files, const Kernel& kernel) {
    const DerivedFile file = kernel.derived("module-aliases", {state_of(files)});
    ModuleAliases aliases;
    const std::string text = file.get([&] { return aliases_as_text(files); });
    for (const std::string_view line : lines_of(text)) {
        const std::size_t tab = std::min(line.find('\t'), line.size());
        if (tab < line.size()) aliases.modules_.emplace_back(line.substr(0, tab), line.substr(tab + 1));
    }
    return aliases;
}

std::vector<std::string> ModuleAliases::modules_of(std::string_view name) const {
    const std::string wanted = with_underscores(name);
    std::vector<std::string> modules;
    for (const auto& [alias, module] : modules_) {
        const bool is_new = std::find(modules.begin(), modules.end(), module) == modules.end();
        if (is_new && ::fnmatch(alias.c_str(), wanted.c_str(), 0) == 0) modules.push_back(module);
    }
    return modules;
}

}  // namespace klp::kernel
