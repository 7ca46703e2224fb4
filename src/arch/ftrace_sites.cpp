// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/ftrace_sites.hpp"

#include <algorithm>

#include "arch/arch.hpp"

namespace klp::arch {

std::vector<std::uint64_t> read_ftrace_table(Bytes table, ByteOrder order) {
    std::vector<std::uint64_t> sites;
    for (std::uint64_t at = 0; at + ftrace_entry_size <= table.size(); at += ftrace_entry_size)
        if (const auto site = load<std::uint64_t>(table.subspan(at), order); site != 0) sites.push_back(site);
    return sites;
}

bool lists_ftrace_sites(const Arch& arch, const elf::Object& object) {
    return std::ranges::any_of(object.sections(), [&](const auto& section) {
        const SpecialSection* table = arch.special_section(section->name);
        return table != nullptr && table->lists == Lists::ftrace_sites;
    });
}

}  // namespace klp::arch
