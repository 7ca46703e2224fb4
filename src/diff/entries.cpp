// SPDX-License-Identifier: GPL-2.0-or-later
// Entries of special sections, each attached to the code that it describes.
#include <fmt/format.h>

#include <algorithm>

#include "diff/decomposition.hpp"

namespace klp::diff {

void Decomposition::find_layouts(const EntrySizes& sizes) {
    for (const auto& section : object_.sections()) {
        const arch::SpecialSection* table = arch_.special_section(section->name);
        if (table == nullptr || section->size() == 0 || role(*section) != Role::special) continue;
        require_content(*section);
        const Location where{object_.display_name(), section->name, std::nullopt};
        layouts_.emplace(section.get(), layout_of({arch_, *table, *section, view(*section).relocations}, sizes, where));
    }
}

void Decomposition::attach_entries() {
    for (const auto& section : object_.sections()) {
        const auto layout = layouts_.find(section.get());
        if (layout != layouts_.end())
            attach_entries_of(*section, *arch_.special_section(section->name), layout->second);
    }
    for (Piece& piece : pieces_) {
        std::ranges::stable_sort(piece.entries, {},
                                 [](const SpecialEntry& each) { return std::pair(each.table, each.owner_offset); });
    }
    lead_to_entries();
}

void Decomposition::lead_to_entries() {
    for (const Piece& piece : pieces_) {
        if (!piece.is_any_code()) continue;
        auto& fields = views_.at(piece.section).fields;
        for (auto field = std::ranges::lower_bound(fields, piece.range.begin, {}, &Field::offset);
             field != fields.end() && field->offset() < piece.range.end; ++field)
            if (field->target.kind == Target::Kind::elsewhere) lead_to_entry(piece, *field);
    }
}

// Those of the function itself or of its other part: what else refers to an entry is not followed.
void Decomposition::lead_to_entry(const Piece& holder, Field& field) {
    Target& target = field.target;
    const std::uint64_t place = static_cast<std::uint64_t>(
        wrapped_sum(wrapped_sum(target.delta, target.symbol->value), static_cast<std::uint64_t>(bias(field, holder))));
    std::vector<const Piece*> owners{&holder};
    if (holder.parent != nullptr) owners.push_back(holder.parent);
    owners.insert(owners.end(), holder.cold_parts.begin(), holder.cold_parts.end());
    for (const Piece* owner : owners) {
        for (const SpecialEntry& entry : owner->entries) {
            if (entry.section != target.section || !entry.range.contains(place)) continue;
            target.kind = Target::Kind::entry;
            target.entry = &entry;
            target.delta = wrapped_sum(target.delta, target.symbol->value - entry.range.begin);
            return;
        }
    }
}

void Decomposition::require_content(const elf::Section& section) const {
    if (section.is_nobits())
        throw Error({object_.display_name(), section.name, std::nullopt}, "section without content, expected entries");
}

void Decomposition::attach_entries_of(const elf::Section& section, const arch::SpecialSection& table,
                                      const arch::EntryLayout& layout) {
    const elf::Section* companion = table.companion.name.empty() ? nullptr : object_.find_section(table.companion.name);
    const std::uint64_t count = (section.size() + layout.bytes - 1) / layout.bytes;
    if (companion != nullptr) require_content(*companion);
    if (companion != nullptr && companion->size() != count * table.companion.entry_size) {
        throw Error({object_.display_name(), companion->name, std::nullopt},
                    fmt::format("{} bytes, expected {} entries of {} bytes as in {}", companion->size(), count,
                                table.companion.entry_size, section.name));
    }
    for (std::uint64_t index = 0; index < count; ++index) {
        const std::uint64_t begin = index * layout.bytes;
        const arch::Range range{begin, std::min(begin + layout.bytes, section.size())};
        if (layout.replacement.exists()) lead_to_replacement(section, range, layout.replacement);
        attach({&table, &layout, &section, companion, index, range});
    }
}

// The ends of replacement code, and code of length 0, lie where the code of the next entry begins, which is none of
// this entry's business.
void Decomposition::lead_to_replacement(const elf::Section& section, arch::Range entry,
                                        const arch::Replacement& replacement) {
    auto& fields = views_.at(&section).fields;
    const auto field_at = [&](std::uint32_t offset) -> Field* {
        const auto found = std::ranges::lower_bound(fields, entry.begin + offset, {}, &Field::offset);
        const bool is_there = found != fields.end() && found->offset() == entry.begin + offset;
        const bool is_pool = is_there && found->target.piece != nullptr && found->target.section != nullptr &&
                             found->target.piece->role == Role::code_pool;
        return is_pool ? &*found : nullptr;
    };
    const auto place = [&](const Field& field) {
        const std::int64_t bias = arch_.addend_bias(section, entry, *field.relocation);
        return wrapped_sum(wrapped_sum(field.relocation->addend, static_cast<std::uint64_t>(bias)),
                           field.target.symbol->value);
    };
    Field* start = field_at(replacement.start);
    Field* end = replacement.end == 0 ? nullptr : field_at(replacement.end);
    if (start == nullptr) return;
    const std::uint64_t length = entry.begin + replacement.length;
    const bool has_no_length =
        replacement.length != 0 && length < entry.end && section.content()[length] == std::byte{0};
    const bool is_empty = end != nullptr ? place(*end) == place(*start) : has_no_length;
    const Piece* code = start->target.piece;
    for (Field* each : {start, end}) {
        if (each == nullptr) continue;
        each->target.piece = is_empty ? &no_code(*start->target.section) : code;
        const std::uint64_t origin = is_empty ? static_cast<std::uint64_t>(place(*each)) : code->range.begin;
        each->target.delta = wrapped_sum(each->relocation->addend, each->target.symbol->value - origin);
    }
}

const Piece& Decomposition::no_code(const elf::Section& pool) {
    Piece*& piece = no_code_[&pool];
    if (piece == nullptr) {
        piece = &pieces_.emplace_back();
        piece->index = pieces_.size() - 1;
        piece->section = &pool;
        piece->role = Role::code_pool;
    }
    return *piece;
}

void Decomposition::attach(SpecialEntry entry) {
    const auto found = relocations_in(view(*entry.section), entry.range);
    const auto field = std::ranges::find(found, entry.range.begin + entry.table->owner_field, &elf::Relocation::offset);
    const elf::Symbol* symbol = field == found.end() ? nullptr : (*field)->symbol;
    Piece* owner = nullptr;
    if (symbol != nullptr && symbol->section != nullptr) {
        const std::int64_t offset = (*field)->addend + arch_.addend_bias(*entry.section, entry.range, **field);
        const std::uint64_t place = symbol->value + static_cast<std::uint64_t>(offset);
        const bool is_site = entry.table->may_precede();
        const Piece* there =
            is_site ? function_of_site(*symbol->section, place) : piece_with_room_at(*symbol->section, place);
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
