// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/filled_tables.hpp"

#include <elf.h>

#include <algorithm>

namespace klp::loader {

namespace {

// Distances are counted from the end of an instruction (x86: the field is its end, or a constant of up to four bytes
// comes behind it) or from its start (s390: the field comes two bytes later).
std::pair<std::uint64_t, std::uint64_t> places_of(std::uint64_t value, bool is_distance, const arch::Arch& arch) {
    if (!is_distance) return {value, value};
    if (arch.name() == "x86_64") return {value + 4, value + 8};
    if (arch.name() == "s390x") return {value - 2, value - 2};
    return {value, value};
}

}  // namespace

FilledTables::FilledTables(const Module& module, const arch::Arch& arch) {
    for (const arch::ImageSection& each : module.image.sections) {
        if (each.relocations.empty() || each.info >= module.layout.places.size()) continue;
        if (!module.layout.places[each.info] || (module.image.sections[each.info].flags & SHF_EXECINSTR) == 0) continue;
        for (const arch::ImageRelocation& relocation : each.relocations) {
            if (relocation.symbol >= module.image.symbols.size()) continue;
            const std::uint64_t value =
                module.image.symbols[relocation.symbol].value + static_cast<std::uint64_t>(relocation.addend);
            const auto info = arch.relocation_info(relocation.type);
            places_.emplace(value, places_of(value, info && info->formula == arch::Formula::pc_relative, arch));
        }
    }
}

bool FilledTables::may_fill(std::uint64_t begin, std::uint64_t size, std::size_t known) const {
    const auto inside = std::ranges::count_if(places_, [&](const auto& each) {
        const auto& [first, last] = each.second;
        return first < begin + size && last >= begin;
    });
    return static_cast<std::size_t>(inside) > known;
}

}  // namespace klp::loader
