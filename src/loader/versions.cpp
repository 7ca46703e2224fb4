// SPDX-License-Identifier: GPL-2.0-or-later
// kernel/module/version.c
#include <fmt/format.h>

#include <algorithm>

#include "format/versions.hpp"
#include "loader/exports.hpp"

namespace klp::loader {

namespace {

// The first entry of the name; nullopt: the symbol is not in the list.
std::optional<std::uint64_t> version_in(const std::vector<format::Version>& versions, std::string_view symbol) {
    const auto found = std::ranges::find(versions, symbol, &format::Version::name);
    return found == versions.end() ? std::nullopt : std::optional(found->crc);
}

// What the module expects.
std::optional<std::uint64_t> listed_version(const Module& module, std::string_view symbol) {
    const ModuleFile& file = module.file;
    const Bytes table = file.content(file.sections().at(module.index.versions));
    return version_in(format::read_versions(table, file.order()), symbol);
}

std::optional<std::uint64_t> extended_version(const Module& module, std::string_view symbol) {
    const ModuleFile& file = module.file;
    const Bytes crcs = file.content(file.sections().at(module.index.version_crcs));
    const Bytes names = file.content(file.sections().at(module.index.version_names));
    return version_in(format::read_extended_versions(crcs, names, file.order()), symbol);
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
