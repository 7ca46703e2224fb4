// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/filled_tables.hpp"

#include <elf.h>

#include <algorithm>

#include "arch/module_loading.hpp"

namespace klp::loader {

FilledTables::FilledTables(const Module& module, const arch::Arch& arch) {
    using Origin = arch::ModuleLoading::DistanceOrigin;
    for (const arch::ImageSection& each : module.image.sections) {
        if (each.relocations.empty() || each.info >= module.layout.places.size()) continue;
        if (!module.layout.places[each.info] || (module.image.sections[each.info].flags & SHF_EXECINSTR) == 0) continue;
        for (const arch::ImageRelocation& relocation : each.relocations) {
            if (relocation.symbol >= module.image.symbols.size()) continue;
            const std::uint64_t value =
                module.image.symbols[relocation.symbol].value + static_cast<std::uint64_t>(relocation.addend);
            const auto info = arch.relocation_info(relocation.type);
            const bool is_distance = info && info->formula == arch::Formula::pc_relative;
            const auto origin = is_distance ? arch.module_loading().distance_origin() : Origin{};
            places_.emplace(value, std::pair(value + static_cast<std::uint64_t>(origin.least),
                                             value + static_cast<std::uint64_t>(origin.most)));
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
