// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/module.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/decompress.hpp"
#include "base/errno_text.hpp"
#include "base/kernel_names.hpp"
#include "base/text.hpp"

namespace klp::kernel {

namespace {

// Depth first over what modules depend on.
class LoadOrder {
public:
    using Depends = std::function<std::vector<std::string>(std::string_view)>;
    explicit LoadOrder(const Depends& depends) : depends_(depends) {}

    void visit(std::string_view name) {
        if (std::find(order.begin(), order.end(), name) != order.end()) return;
        if (!open_.insert(std::string(name)).second) throw Error(fmt::format("module '{}' depends on itself", name));
        for (const std::string& needed : depends_(name)) visit(needed);
        order.emplace_back(name);
    }

    std::vector<std::string> order;

private:
    const Depends& depends_;
    std::set<std::string> open_;
};

}  // namespace

ModuleFiles ModuleFiles::read(const fs::path& folder) {
    ModuleFiles files;
    if (folder.empty()) return files;
    std::error_code failure;
    for (fs::recursive_directory_iterator entry(folder, failure), end; !failure && entry != end;
         entry.increment(failure)) {
        const std::string& path = entry->path().native();
        if (is_module_file(path)) files.paths_.emplace(module_name_of_path(path), entry->path());
    }
    if (failure) throw Error({folder.string(), "", {}}, "cannot be read: " + errno_text(failure.value()));
    return files;
}

std::optional<fs::path> ModuleFiles::path_of(std::string_view name) const {
    const auto found = paths_.find(name);
    if (found == paths_.end()) return std::nullopt;
    return found->second;
}

ModuleBytes::ModuleBytes(const fs::path& path) : file_(path) {
    const Compression compression = detect_compression(file_->bytes());
    if (compression == Compression::none) return;
    unpacked_ = decompress(compression, file_->bytes(), {path.string(), "", {}}, module_size_limit);
    file_.reset();
}

std::vector<std::byte> ModuleBytes::take() && {
    if (!file_) return std::move(unpacked_);
    const Bytes mapped = file_->bytes();
    return {mapped.begin(), mapped.end()};
}

elf::Object read_module_object(const fs::path& path) {
    ModuleBytes module(path);
    if (!module.was_compressed()) return elf::Object::read(path);
    return elf::Object::read(std::move(module).take(), path.string());
}

Module load_module(const fs::path& path, bool all) {
    std::string name = module_name_of_path(path.native());
    elf::Object object = read_module_object(path);
    SymbolTable symbols = read_symtab(object, name, all);
    return {std::move(name), path, std::move(object), std::move(symbols)};
}

std::vector<std::string_view> modinfo_values(const elf::Object& module, std::string_view tag) {
    const elf::Section* section = module.find_section(".modinfo");
    if (section == nullptr) return {};
    return klp::modinfo_values(as_text(section->content()), tag);
}

std::string_view modinfo(const elf::Object& module, std::string_view tag) {
    const auto values = modinfo_values(module, tag);
    return values.empty() ? std::string_view() : values.front();
}

std::vector<std::string> depends_of(const elf::Object& module) {
    std::vector<std::string> names;
    for (const std::string_view name : split(modinfo(module, "depends"), ',')) {
        if (!name.empty()) names.push_back(module_name_of_path(name));
    }
    return names;
}

std::vector<std::string> depends_of(const Module& module) {
    return depends_of(module.object);
}

std::vector<std::string> dependencies_in_load_order(
    std::string_view name, const std::function<std::vector<std::string>(std::string_view)>& depends) {
    LoadOrder walk(depends);
    walk.visit(name);
    walk.order.pop_back();  // `name` itself
    return walk.order;
}

}  // namespace klp::kernel
