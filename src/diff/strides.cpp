// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/strides.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace klp::diff {

namespace {

std::uint32_t derived_entry_size(std::span<const elf::Relocation* const> relocations, std::uint64_t section_size,
                                 std::uint32_t owner_field) {
    const auto type_at = [&](std::uint64_t offset) -> std::optional<std::uint32_t> {
        const auto found = std::ranges::lower_bound(relocations, offset, {}, &elf::Relocation::offset);
        if (found == relocations.end() || (*found)->offset != offset) return std::nullopt;
        return (*found)->type;
    };
    const auto first = type_at(owner_field);
    for (std::uint64_t size = 4; first && size <= section_size; ++size) {
        if (section_size % size != 0) continue;
        bool fits = true;
        for (std::uint64_t at = owner_field; fits && at < section_size; at += size) fits = type_at(at) == first;
        if (fits) return static_cast<std::uint32_t>(size);
    }
    return 0;
}

std::uint32_t probed_entry_size(const EntrySizes& probed, std::string_view section) {
    const auto found = std::ranges::find(probed, section, &EntrySizes::value_type::first);
    return found == probed.end() ? 0 : found->second;
}

}  // namespace

std::uint32_t entry_size_of(const arch::SpecialSection& table, const elf::Section& section,
                            std::span<const elf::Relocation* const> relocations, const EntrySizes& probed,
                            const Location& where) {
    std::uint32_t size = table.entry_size.bytes;
    if (size == 0) size = probed_entry_size(probed, section.name);
    if (size == 0) size = derived_entry_size(relocations, section.size(), table.owner_field);
    if (size == 0 || section.size() % size != 0)
        throw Error(where, fmt::format("{} bytes are no array of entries of {} bytes", section.size(), size));
    return size;
}

}  // namespace klp::diff
