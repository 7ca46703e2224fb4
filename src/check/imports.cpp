// SPDX-License-Identifier: GPL-2.0-or-later
// Rules on ordinary undefined symbols: kernel/module/main.c:resolve_symbol.
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "arch/module_loading.hpp"
#include "check/target.hpp"
#include "format/versions.hpp"

namespace klp::check {

namespace {

class Imports {
public:
    explicit Imports(const Check& check) : check_(check) {
        read_versions();
        const auto spaces = kernel::modinfo_values(check.module, "import_ns");
        name_spaces_.insert(spaces.begin(), spaces.end());
        for (std::string& name : kernel::depends_of(check.module)) depends_.insert(std::move(name));
    }

    void run() {
        const kernel::Exports& exports = check_.target.kernel().exports();
        // kernel/module/version.c:check_modstruct_version
        if (const kernel::Export* layout = exports.find("module_layout")) check_version("module_layout", *layout, {});
        for (const auto& symbol : check_.module.symbols()) {
            const bool is_import = symbol->placement == elf::Placement::undefined && !symbol->name.empty();
            if (!is_import || may_be_undefined(symbol->name)) continue;
            if (const kernel::Export* found = exports.find(symbol->name)) {
                check(*symbol, *found);
            } else if (is_exported_by_file(symbol->name)) {
                check_.left_out.add(fmt::format("CRC and namespace of '{}'", symbol->name),
                                    "it is exported by a file of --object, and not in Module.symvers");
            } else if (symbol->binding != STB_WEAK) {
                add(rules::unknown_symbol, *symbol,
                    fmt::format("'{}' is exported by nobody: the kernel refuses (Unknown symbol)", symbol->name))
                    .hint("symbols that are not exported need a livepatch symbol");
            }
        }
    }

private:
    [[nodiscard]] bool may_be_undefined(std::string_view name) const {
        const auto names = check_.target.kernel().arch().module_loading().undefined_symbols();
        return std::ranges::find(names, name) != names.end();
    }
    Finding& add(const check::Rule& rule, const elf::Symbol& symbol, std::string message) {
        return check_.findings.add(rule, ".symtab", offset_of(symbol), std::move(message));
    }
    static std::uint64_t offset_of(const elf::Symbol& symbol) { return symbol.original_index * sizeof(Elf64_Sym); }

    // A module given by --object need not be in Module.symvers.
    bool is_exported_by_file(const std::string& name) const {
        return std::ranges::any_of(depends_, [&](const std::string& each) {
            const kernel::Module* module = check_.target.module(each);
            return module != nullptr && module->object.find_symbol("__ksymtab_" + name) != nullptr;
        });
    }

    void check(const elf::Symbol& symbol, const kernel::Export& found) {
        if (found.module != "vmlinux" && !depends_.contains(found.module)) {
            add(rules::import_module, symbol,
                fmt::format("'{}' is exported by module '{}', which modinfo does not name in depends", symbol.name,
                            found.module))
                .hint("refer to it by a livepatch symbol, so that the module may come later");
            return;
        }
        check_version(symbol.name, found, offset_of(symbol));
        if (found.name_space.empty() || name_spaces_.contains(found.name_space)) return;
        if (check_.target.kernel().config().enabled("CONFIG_MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS")) return;
        add(rules::name_space, symbol,
            fmt::format("'{}' is of namespace '{}', which the module does not import", symbol.name, found.name_space))
            .hint(fmt::format("MODULE_IMPORT_NS({});", found.name_space));
    }

    // kernel/module/version.c:check_version
    void check_version(const std::string& name, const kernel::Export& found, std::optional<std::uint64_t> offset) {
        if (!check_.target.kernel().config().enabled("CONFIG_MODVERSIONS")) return;
        const auto version = versions_.find(name);
        const std::string expected = fmt::format("expected 0x{:08x}", found.crc);
        if (version == versions_.end()) {
            // With extended versions (6.14 and later) the kernel is content with a symbol that has none.
            if (check_.module.find_section(format::extended_crcs_section) != nullptr) return;
            check_.findings.add(rules::version, has_versions_ ? std::string(format::versions_section) : ".symtab",
                                has_versions_ ? std::nullopt : offset,
                                fmt::format("no version of '{}', {}", name, expected));
        } else if (version->second.crc != found.crc) {
            check_.findings
                .add(rules::version, std::string(format::versions_section), version->second.offset,
                     fmt::format("version of '{}' is 0x{:08x}, {}", name, version->second.crc, expected))
                .note("what it means has changed between the kernel that the module was made for and this one");
        }
    }

    void read_versions() {
        const elf::Section* section = check_.module.find_section(format::versions_section);
        has_versions_ = section != nullptr;
        if (!has_versions_) return;
        for (const format::Version& each : format::read_versions(section->content(), check_.module.order()))
            versions_.try_emplace(each.name, each);
    }

    const Check& check_;
    bool has_versions_ = false;
    std::unordered_map<std::string_view, format::Version> versions_;
    std::set<std::string_view> name_spaces_;
    std::set<std::string, std::less<>> depends_;
};

}  // namespace

void check_imports(const Check& check) {
    Imports(check).run();
}

}  // namespace klp::check
