// SPDX-License-Identifier: GPL-2.0-or-later
// Modules beside those of the kernel: built by somebody else, or anew.
#include <fmt/format.h>

#include "arch/registry.hpp"
#include "kernel/module.hpp"
#include "kernel/symbol_source.hpp"

namespace klp::kernel {

namespace {

class ExtraModules final : public SymbolSource {
public:
    ExtraModules(std::unique_ptr<SymbolSource> source, const std::vector<fs::path>& files)
        : source_(std::move(source)) {
        const bool all = source_->config("CONFIG_KALLSYMS_ALL").has_value();
        for (const fs::path& file : files) {
            Module module = load_module(file, all);
            if (arch::for_object(module.object).name() != source_->arch().name())
                throw Error({file.string(), {}, {}}, fmt::format("a module for {}, but kernel {} is for {}",
                                                                 arch::for_object(module.object).name(),
                                                                 source_->release(), source_->arch().name()));
            // The file may have another name than the module.
            std::string name(modinfo(module.object, "name"));
            if (name.empty()) name = module.name;
            module.name = name;
            modules_.insert_or_assign(std::move(name), std::move(module));
        }
        for (const auto& [name, module] : modules_) add_exports(module);
    }

    std::string release() const override { return source_->release(); }
    const arch::Arch& arch() const override { return source_->arch(); }
    const SymbolTable& vmlinux() const override { return source_->vmlinux(); }
    const SymbolTable* module(std::string_view name) const override {
        const auto found = modules_.find(name);
        return found == modules_.end() ? source_->module(name) : &found->second.symbols;
    }
    std::vector<std::string> dependencies(std::string_view module) const override {
        return all_dependencies(module, [this](std::string_view name) {
            const auto found = modules_.find(name);
            return found == modules_.end() ? source_->dependencies(name) : depends_of(found->second);
        });
    }
    const Export* find_export(std::string_view symbol) const override {
        const auto found = exports_.find(symbol);
        return found == exports_.end() ? source_->find_export(symbol) : &found->second;
    }
    std::string_view source_file(std::size_t index) const override { return source_->source_file(index); }
    std::optional<std::string> config(std::string_view option) const override { return source_->config(option); }

private:
    // include/linux/export.h: each export has a symbol __ksymtab_NAME in __ksymtab or __ksymtab_gpl.
    void add_exports(const Module& module) {
        constexpr std::string_view prefix = "__ksymtab_";
        for (const auto& symbol : module.object.symbols()) {
            if (symbol->section == nullptr || !symbol->section->name.starts_with("__ksymtab")) continue;
            if (!symbol->name.starts_with(prefix)) continue;
            exports_[std::string(symbol->name.substr(prefix.size()))] = {
                .crc = 0,
                .module = module.name,
                .gpl_only = symbol->section->name == "__ksymtab_gpl",
                .name_space = {}};
        }
    }

    std::unique_ptr<SymbolSource> source_;
    std::map<std::string, Module, std::less<>> modules_;
    std::map<std::string, Export, std::less<>> exports_;
};

}  // namespace

std::unique_ptr<SymbolSource> with_modules(std::unique_ptr<SymbolSource> source, const std::vector<fs::path>& files) {
    if (files.empty()) return source;
    return std::make_unique<ExtraModules>(std::move(source), files);
}

}  // namespace klp::kernel
