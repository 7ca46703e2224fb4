// SPDX-License-Identifier: GPL-2.0-or-later
// Entries of special sections, each attached to the code that it describes.
#include <fmt/format.h>

#include <algorithm>

#include "diff/unit.hpp"

namespace klp::diff {

namespace {

// Where nobody knows the size: the smallest step at which every entry has the owner's relocation, of one type.
std::uint32_t derive_entry_size(std::span<const elf::Relocation> relocations, std::uint64_t section_size,
                                std::uint32_t owner_field) {
    const auto type_at = [&](std::uint64_t offset) -> std::optional<std::uint32_t> {
        const auto found = std::ranges::lower_bound(relocations, offset, {}, &elf::Relocation::offset);
        if (found == relocations.end() || found->offset != offset) return std::nullopt;
        return found->type;
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

std::optional<std::uint32_t> size_in(const Options& options, std::string_view section) {
    const auto found = std::ranges::find(options.entry_sizes, section, &std::pair<std::string, std::uint32_t>::first);
    return found == options.entry_sizes.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

void Unit::attach_entries(const Options& options) {
    for (const auto& section : object_.sections()) {
        const arch::SpecialSection* table = arch_.special_section(section->name);
        if (table == nullptr || section->size() == 0 || role(*section) != Role::special) continue;
        std::uint32_t size =
            table->entry_size.bytes != 0 ? table->entry_size.bytes : size_in(options, section->name).value_or(0);
        if (size == 0) size = derive_entry_size(view(*section).relocations, section->size(), table->owner_field);
        if (size == 0 || section->size() % size != 0) {
            throw Error({object_.display_name(), section->name, std::nullopt},
                        fmt::format("{} bytes are no array of entries of {} bytes", section->size(), size));
        }
        attach_entries_of(*section, *table, size);
    }
    for (Piece& piece : pieces_) {
        std::ranges::stable_sort(piece.entries, {},
                                 [](const SpecialEntry& each) { return std::pair(each.table, each.owner_offset); });
    }
}

void Unit::attach_entries_of(const elf::Section& section, const arch::SpecialSection& table, std::uint32_t entry_size) {
    const elf::Section* companion = table.companion.name.empty() ? nullptr : object_.find_section(table.companion.name);
    for (const elf::Section* each : {&section, companion}) {
        if (each != nullptr && each->is_nobits())
            throw Error({object_.display_name(), each->name, std::nullopt},
                        "section without content, expected entries");
    }
    if (companion != nullptr && companion->size() != section.size() / entry_size * table.companion.entry_size) {
        throw Error({object_.display_name(), companion->name, std::nullopt},
                    fmt::format("{} bytes, expected {} entries of {} bytes as in {}", companion->size(),
                                section.size() / entry_size, table.companion.entry_size, section.name));
    }
    for (std::uint64_t index = 0; index * entry_size < section.size(); ++index) {
        SpecialEntry entry{&table, &section, companion, index, {index * entry_size, (index + 1) * entry_size}, 0};
        const auto found = relocations(section, entry.range);
        const auto owner = std::ranges::find(found, entry.range.begin + table.owner_field, &elf::Relocation::offset);
        const elf::Symbol* symbol = owner == found.end() ? nullptr : owner->symbol;
        Piece* piece = nullptr;
        if (symbol != nullptr && symbol->section != nullptr) {
            const std::int64_t offset = owner->addend + bias(*owner, section, entry.range);
            const std::uint64_t place = symbol->value + static_cast<std::uint64_t>(offset);
            piece = piece_at(*symbol->section, place);
            if (piece != nullptr) entry.owner_offset = place - piece->range.begin;
        }
        (piece != nullptr ? piece->entries : orphans_).push_back(entry);
    }
}

}  // namespace klp::diff
