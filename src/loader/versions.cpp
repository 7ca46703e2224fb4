// SPDX-License-Identifier: GPL-2.0-or-later
// kernel/module/version.c
#include <fmt/format.h>

#include "loader/exports.hpp"

namespace klp::loader {

namespace {

// struct modversion_info { unsigned long crc; char name[MODULE_NAME_LEN]; }
constexpr std::uint64_t version_entry_size = 64, version_name_field = 8;

std::string_view c_string(std::string_view text) {
    return text.substr(0, text.find('\0'));
}

// What the module expects; nullopt: the symbol is not in its list.
std::optional<std::uint64_t> listed_version(const Module& module, std::string_view symbol) {
    const ModuleFile& file = module.file;
    const Bytes table = file.content(file.sections().at(module.index.versions));
    for (std::uint64_t at = 0; at + version_entry_size <= table.size(); at += version_entry_size) {
        const Bytes entry = table.subspan(at, version_entry_size);
        if (c_string(as_text(entry.subspan(version_name_field))) == symbol)
            return load<std::uint64_t>(entry, file.order());
    }
    return std::nullopt;
}

// The same from __version_ext_crcs and __version_ext_names, which take names of any length (since 6.14).
std::optional<std::uint32_t> extended_version(const Module& module, std::string_view symbol) {
    const ModuleFile& file = module.file;
    Cursor crcs(file.content(file.sections().at(module.index.version_crcs)), file.order());
    std::string_view names = as_text(file.content(file.sections().at(module.index.version_names)));
    while (crcs.remaining() >= 4 && !names.empty()) {
        const std::uint32_t crc = crcs.u32();
        const std::string_view name = c_string(names);
        if (name == symbol) return crc;
        names.remove_prefix(std::min(name.size() + 1, names.size()));
    }
    return std::nullopt;
}

bool disagrees(const Module& module, std::string_view symbol, Journal& journal) {
    journal.warning(fmt::format("{}: disagrees about version of symbol {}", module.info_name, symbol));
    return false;
}

}  // namespace

bool try_to_force_load(System& system, const Module& module, std::string_view reason, Journal& journal) {
    if (!system.features.force_load) return false;
    if (!system.taints.forced) journal.warning(fmt::format("{}: {}: kernel tainted.", module.name, reason));
    system.taints.forced = true;
    return true;
}

bool check_version(System& system, const Module& module, std::string_view symbol, std::optional<std::uint32_t> crc,
                   Journal& journal) {
    if (!system.features.modversions || !crc) return true;
    if (module.index.version_crcs != 0) {
        const auto expected = extended_version(module, symbol);
        if (expected) return *expected == *crc || disagrees(module, symbol, journal);
        if (!system.taints.told_no_extended_version)
            journal.warning(fmt::format("{}: no extended symbol version for {}", module.info_name, symbol));
        system.taints.told_no_extended_version = true;
        return true;
    }
    if (module.index.versions == 0) return try_to_force_load(system, module, symbol, journal);
    const auto expected = listed_version(module, symbol);
    if (expected) return *expected == *crc || disagrees(module, symbol, journal);
    journal.warning(fmt::format("{}: no symbol version for {}", module.info_name, symbol));
    return false;
}

}  // namespace klp::loader
