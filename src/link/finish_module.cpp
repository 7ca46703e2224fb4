// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/kernel_names.hpp"
#include "format/versions.hpp"
#include "link/finish.hpp"

namespace klp::link {
namespace {

constexpr std::string_view layout_symbol = "module_layout";
constexpr std::uint64_t versions_alignment = 32;

elf::Section& required_section(const elf::Object& module, std::string_view name) {
    elf::Section* section = module.find_section(name);
    if (section == nullptr) throw Error({module.display_name(), {}, {}}, fmt::format("has no section {}", name));
    return *section;
}

void append_text(std::vector<std::byte>& bytes, std::string_view text) {
    const Bytes content = as_bytes(text);
    bytes.insert(bytes.end(), content.begin(), content.end());
    bytes.push_back(std::byte{0});
}

struct Import {
    std::string name;
    const kernel::Export* symbol;
};

// Weak references may stay open: the module loader leaves them null (kernel/module/main.c:simplify_symbols).
bool is_required(const elf::Symbol& symbol) {
    return symbol.placement == elf::Placement::undefined && symbol.binding != STB_WEAK;
}

std::vector<Import> collect_imports(const elf::Object& module, const kernel::Exports& exports,
                                    Diagnostics& diagnostics) {
    std::vector<Import> imports;
    for (const auto& symbol : module.symbols()) {
        if (symbol->placement != elf::Placement::undefined || symbol->name.empty()) continue;
        const kernel::Export* found = exports.find(symbol->name);
        if (found != nullptr && found->module == "vmlinux") {
            imports.push_back({symbol->name, found});
        } else if (is_required(*symbol)) {
            diagnostics
                .error("make.unresolved", {module.display_name(), {}, {}},
                       found == nullptr ? fmt::format("'{}' is needed, but the kernel does not export it", symbol->name)
                                        : fmt::format("'{}' is exported by module '{}', not by vmlinux", symbol->name,
                                                      found->module))
                .hint("write the change without it");
        }
    }
    return imports;
}

// scripts/mod/modpost.c:add_versions. The CRC of module_layout stands for the layout of struct module
// (kernel/module/version.c:check_modstruct_version).
void add_versions(elf::Object& module, const std::vector<Import>& imports, const kernel::StructLayout& layout,
                  Diagnostics& diagnostics) {
    if (layout.modversion_size != format::version_size || layout.modversion_name != format::version_crc_size)
        throw Error({module.display_name(), std::string(format::versions_section), {}},
                    fmt::format("the kernel's struct modversion_info has {} bytes, expected {}", layout.modversion_size,
                                format::version_size));
    std::vector<format::Version> versions;
    for (const Import& import : imports) {
        if (import.name.size() >= module_name_size) {
            diagnostics
                .error("make.long-symbol", {module.display_name(), std::string(format::versions_section), {}},
                       fmt::format("'{}' has {} characters; the kernel keeps versions of names up to {}", import.name,
                                   import.name.size(), module_name_size - 1))
                .hint("write the change without it");
            continue;
        }
        versions.push_back({import.symbol->crc, import.name});
    }
    module.add_section(std::string(format::versions_section), SHT_PROGBITS, SHF_ALLOC, versions_alignment)
        .set_content(format::make_versions(versions, module.order()));
}

}  // namespace

void add_imports(elf::Object& module, const kernel::Exports& exports, bool with_versions,
                 const kernel::StructLayout& layout, Diagnostics& diagnostics) {
    std::vector<Import> imports = collect_imports(module, exports, diagnostics);
    std::set<std::string_view> name_spaces;
    for (const Import& import : imports)
        if (!import.symbol->name_space.empty()) name_spaces.insert(import.symbol->name_space);
    for (const std::string_view name_space : name_spaces)
        append_text(required_section(module, ".modinfo").edit(), fmt::format("import_ns={}", name_space));
    if (!with_versions) return;
    if (const kernel::Export* of_module = exports.find(layout_symbol))
        imports.insert(imports.begin(), {std::string(layout_symbol), of_module});
    add_versions(module, imports, layout, diagnostics);
}

void add_modinfo(elf::Object& module, const std::vector<std::pair<std::string, std::string>>& values) {
    for (const auto& [key, value] : values)
        append_text(required_section(module, ".modinfo").edit(), fmt::format("{}={}", key, value));
}

void set_module_name(elf::Object& module, const std::string& name, const kernel::StructLayout& layout) {
    append_text(required_section(module, ".modinfo").edit(), "name=" + name);
    elf::Section& section = required_section(module, ".gnu.linkonce.this_module");
    const elf::Symbol* symbol = module.find_symbol("__this_module");
    std::vector<std::byte>& bytes = section.edit();
    if (symbol == nullptr || symbol->section != &section ||
        symbol->value + layout.module_name + layout.module_name_size > bytes.size())
        throw Error({module.display_name(), section.name, {}}, "does not hold a struct module");
    std::ranges::copy(as_bytes(name), bytes.begin() + static_cast<std::ptrdiff_t>(symbol->value + layout.module_name));
}

}  // namespace klp::link
