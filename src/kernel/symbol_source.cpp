// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/symbol_source.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/lazy.hpp"
#include "kernel/module.hpp"

namespace klp::kernel {

namespace {

class KernelSymbols final : public SymbolSource {
public:
    explicit KernelSymbols(const Kernel& kernel) : kernel_(kernel) {}

    std::string release() const override { return kernel_.manifest().release; }
    const arch::Arch& arch() const override { return kernel_.arch(); }
    const SymbolTable& vmlinux() const override { return kernel_.symbols(); }
    const SymbolTable* module(std::string_view name) const override {
        return kernel_.module_path(name) ? &kernel_.module(name).symbols : nullptr;
    }
    std::vector<std::string> dependencies(std::string_view module) const override {
        return all_dependencies(module, [this](std::string_view name) {
            return kernel_.module_path(name) ? depends_of(kernel_.module(name)) : std::vector<std::string>{};
        });
    }
    const Export* find_export(std::string_view symbol) const override { return kernel_.exports().find(symbol); }
    std::string_view source_file(std::size_t index) const override {
        const auto& files = files_.get([this] { return find_files(); });
        return index < files.size() ? std::string_view(files[index]) : std::string_view();
    }
    std::optional<std::string> config(std::string_view option) const override {
        const auto value = kernel_.config().value(option);
        return value ? std::optional(std::string(*value)) : std::nullopt;
    }

private:
    // The image itself, or the vmlinux that a full build left in the source tree.
    std::vector<std::string> find_files() const {
        auto files = source_files(vmlinux(), kernel_.vmlinux());
        const fs::path built = kernel_.manifest().source / "vmlinux";
        if (!files.empty() || !fs::is_regular_file(built)) return files;
        return source_files(vmlinux(), elf::Object::read(built));
    }

    const Kernel& kernel_;
    mutable Lazy<std::vector<std::string>> files_;
};

struct Definition {
    std::string_view name;
    std::uint64_t address;
    bool operator==(const Definition&) const = default;
};
struct HashDefinition {
    std::size_t operator()(const Definition& definition) const noexcept {
        return std::hash<std::string_view>{}(definition.name) ^ (definition.address * 0x9e3779b97f4a7c15);
    }
};

}  // namespace

const std::vector<std::string_view>& recorded_options() {
    static const std::vector<std::string_view> options = {
        "CONFIG_CC_VERSION_TEXT", "CONFIG_KALLSYMS_ALL", "CONFIG_LIVEPATCH",   "CONFIG_MODULE_SIG_HASH",
        "CONFIG_MODULE_SIG",      "CONFIG_MODVERSIONS",  "CONFIG_LOCALVERSION"};
    return options;
}

std::unique_ptr<SymbolSource> symbols_of(const Kernel& kernel) {
    return std::make_unique<KernelSymbols>(kernel);
}

// A local symbol is of the file whose STT_FILE comes before it (gABI, symbol table). Global ones come after all files.
std::vector<std::string> source_files(const SymbolTable& symbols, const elf::Object& vmlinux) {
    std::unordered_map<Definition, std::string_view, HashDefinition> files;
    std::string_view current;
    for (const auto& symbol : vmlinux.symbols()) {
        if (symbol->is_file()) current = symbol->name;
        if (!symbol->is_local() || !symbol->is_defined() || current.empty()) continue;
        const auto [entry, added] = files.try_emplace({symbol->name, symbol->value}, current);
        if (!added && entry->second != current) entry->second = {};
    }
    std::vector<std::string> result;
    if (files.empty()) return result;
    result.reserve(symbols.symbols().size());
    for (const KernelSymbol& symbol : symbols.symbols()) {
        const auto found = files.find({symbol.name, symbol.address});
        result.emplace_back(found == files.end() ? std::string_view() : found->second);
    }
    return result;
}

}  // namespace klp::kernel
