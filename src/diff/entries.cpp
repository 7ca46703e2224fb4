// SPDX-License-Identifier: GPL-2.0-or-later
// Entries of special sections, each attached to the code that it describes.
#include <fmt/format.h>

#include <algorithm>

#include "diff/decomposition.hpp"

namespace klp::diff {

void Decomposition::attach_entries(const EntrySizes& sizes) {
    for (const auto& section : object_.sections()) {
        const arch::SpecialSection* table = arch_.special_section(section->name);
        if (table == nullptr || section->size() == 0 || role(*section) != Role::special) continue;
        const Location where{object_.display_name(), section->name, std::nullopt};
        const std::uint32_t size = entry_size_of(*table, *section, view(*section).relocations, sizes, where);
        attach_entries_of(*section, *table, size);
    }
    for (Piece& piece : pieces_) {
        std::ranges::stable_sort(piece.entries, {},
                                 [](const SpecialEntry& each) { return std::pair(each.table, each.owner_offset); });
    }
}

void Decomposition::attach_entries_of(const elf::Section& section, const arch::SpecialSection& table,
                                      std::uint32_t entry_size) {
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
    for (std::uint64_t index = 0; index * entry_size < section.size(); ++index)
        attach({&table, &section, companion, index, {index * entry_size, (index + 1) * entry_size}});
}

void Decomposition::attach(SpecialEntry entry) {
    const auto found = relocations_in(view(*entry.section), entry.range);
    const auto field = std::ranges::find(found, entry.range.begin + entry.table->owner_field, &elf::Relocation::offset);
    const elf::Symbol* symbol = field == found.end() ? nullptr : (*field)->symbol;
    Piece* owner = nullptr;
    if (symbol != nullptr && symbol->section != nullptr) {
        const std::int64_t offset = (*field)->addend + arch_.addend_bias(*entry.section, entry.range, **field);
        const std::uint64_t place = symbol->value + static_cast<std::uint64_t>(offset);
        const bool is_site = entry.table->lists == arch::Lists::ftrace_sites;
        const Piece* there = is_site ? function_of_site(*symbol->section, place) : piece_at(*symbol->section, place);
        if (there != nullptr) {
            owner = &pieces_[there->index];
            entry.owner = owner;
            entry.owner_offset = place - there->range.begin;
            if (is_site && place < there->range.begin) owner->room = std::max(owner->room, there->range.begin - place);
        }
    }
    (owner != nullptr ? owner->entries : orphans_).push_back(entry);
}

// A site may lie before its function, where there is room for a pointer (gcc -fpatchable-function-entry=N,M).
const Piece* Decomposition::function_of_site(const elf::Section& section, std::uint64_t place) const {
    const auto& pieces = view(section).pieces;
    const auto ends_after = std::ranges::find_if(pieces, [&](const Piece* each) { return each->range.end > place; });
    if (ends_after == pieces.end()) return nullptr;
    const std::uint64_t begin = (*ends_after)->range.begin;
    const bool is_room = place >= begin || arch_.is_padding(section.content().subspan(place, begin - place));
    return is_room ? *ends_after : nullptr;
}

}  // namespace klp::diff
