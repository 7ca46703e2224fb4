// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/compare.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "diff/names.hpp"

namespace klp::diff {

namespace {

// include/linux/dynamic_debug.h: struct _ddebug; four pointers, then lineno:18, class_id:6, flags:8.
constexpr arch::Range debug_descriptor_line{32, 36};

// What new code may do with an object that stays where it was.
enum class Storage : std::uint8_t { writable, written_at_start, constant, per_cpu };

Storage storage_of(const Piece& piece) {
    const std::string_view section = piece.section->name;
    if (section.starts_with(".data..percpu")) return Storage::per_cpu;
    if (section.starts_with(".data..ro_after_init")) return Storage::written_at_start;
    return piece.role == Role::constant ? Storage::constant : Storage::writable;
}

// Pieces that are not objects have storage `constant` or `writable` on both sides, which is no difference.
std::optional<std::string> storage_difference(const Piece& original, const Piece& patched) {
    const Storage was = storage_of(original);
    const Storage is = storage_of(patched);
    if (was == is) return std::nullopt;
    if (was == Storage::per_cpu) return "is no longer per-CPU";
    if (is == Storage::per_cpu) return "is per-CPU now";
    if (is == Storage::writable) return "is writable now, but lies in memory that is read-only";
    return std::nullopt;
}

// Nested constants are few (a table of structures that point to strings).
constexpr std::size_t deepest_nesting = 16;

}  // namespace

Comparison::Extent Comparison::extent_of(const Decomposition& object, const Piece& piece) {
    Extent extent{piece.range, piece.content(), object.fields(piece)};
    if (piece.is_debug_descriptor()) extent.meaningless.push_back(debug_descriptor_line);
    return extent;
}

Comparison::Extent Comparison::extent_of(const Decomposition& object, const SpecialEntry& entry) {
    const Bytes content = entry.section->content().subspan(entry.range.begin, entry.range.size());
    return {entry.range, content, object.fields(entry), {entry.layout->ignored}};
}

std::optional<std::string> Comparison::difference(const Piece& original, const Piece& patched) const {
    if (original.range.size() != patched.range.size())
        return fmt::format("size {:#x}, was {:#x}", patched.range.size(), original.range.size());
    if (auto found = storage_difference(original, patched)) return found;
    if (auto found = compare(extent_of(pairs_.original(), original), extent_of(pairs_.patched(), patched)))
        return found;
    return compare_entries(original, patched);
}

bool Comparison::equal_but(const Piece& original, const Piece& patched, std::span<const arch::Range> places) const {
    Extent extent = extent_of(pairs_.patched(), patched);
    extent.meaningless.insert(extent.meaningless.end(), places.begin(), places.end());
    return original.range.size() == patched.range.size() && !storage_difference(original, patched) &&
           !compare(extent_of(pairs_.original(), original), extent) && !compare_entries(original, patched);
}

// The content of one of both, without what has no meaning and without the fields that a relocation of either writes.
std::vector<std::byte> Comparison::masked(Bytes content, const Extent& original, const Extent& patched) const {
    std::vector<std::byte> result(content.begin(), content.end());
    for (const arch::Range& meaningless : patched.meaningless) {
        for (std::uint64_t at = meaningless.begin; at < meaningless.end && at < result.size(); ++at)
            result[at] = std::byte{0};
    }
    const arch::Arch& architecture = pairs_.patched().architecture();
    for (const Extent* extent : {&original, &patched}) {
        for (const Field& each : extent->fields) {
            const auto info = architecture.relocation_info(each.relocation->type);
            const std::uint64_t offset = each.offset() - extent->range.begin;
            if (!info || offset > result.size() || info->size > result.size() - offset) continue;
            architecture.clear_field(*info, MutableBytes(result).subspan(offset, info->size));
        }
    }
    return result;
}

std::optional<std::string> Comparison::compare(const Extent& original, const Extent& patched) const {
    if (original.range.size() != patched.range.size()) return "size";
    if (original.content.size() != patched.content.size()) return "initial value";
    // Masking copies, so look first whether the bytes are equal as they are.
    if (!std::ranges::equal(original.content, patched.content)) {
        const auto masked_a = masked(original.content, original, patched);
        const auto masked_b = masked(patched.content, original, patched);
        const auto where = std::ranges::mismatch(masked_a, masked_b).in1;
        if (where != masked_a.end()) return fmt::format("bytes at +{:#x}", where - masked_a.begin());
    }
    return compare_fields(original, patched);
}

std::optional<std::string> Comparison::compare_fields(const Extent& original, const Extent& patched) const {
    const auto& a = original.fields;
    const auto& b = patched.fields;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        const std::uint64_t before = a[i].offset() - original.range.begin;
        const std::uint64_t offset = b[i].offset() - patched.range.begin;
        if (before != offset || a[i].relocation->type != b[i].relocation->type)
            return fmt::format("relocation at +{:#x}", std::min(offset, before));
        const Target& was = a[i].target;
        const Target& is = b[i].target;
        if (same_target(was, is) || (benefit_ && was.delta == is.delta && benefit_(was, is))) continue;
        return fmt::format("+{:#x} refers to {}, was {}", offset, describe(is), describe(was));
    }
    if (a.size() != b.size()) return fmt::format("{} relocations, were {}", b.size(), a.size());
    return std::nullopt;
}

std::optional<std::string> Comparison::compare_entries(const Piece& original, const Piece& patched) const {
    const auto matters = [](const SpecialEntry& each) { return each.table->origin != arch::Origin::derived; };
    auto a = original.entries.begin();
    auto b = patched.entries.begin();
    while (true) {
        a = std::find_if(a, original.entries.end(), matters);
        b = std::find_if(b, patched.entries.end(), matters);
        if (a == original.entries.end() && b == patched.entries.end()) return std::nullopt;
        const SpecialEntry& present = b != patched.entries.end() ? *b : *a;
        if (a == original.entries.end() || b == patched.entries.end() || a->table != b->table)
            return fmt::format("number of entries in {}", present.table->name);
        if (auto found = compare(extent_of(pairs_.original(), *a), extent_of(pairs_.patched(), *b)))
            return fmt::format("{} entry for +{:#x}: {}", b->table->name, b->owner_offset, *found);
        ++a;
        ++b;
    }
}

bool Comparison::same_target(const Target& original, const Target& patched) const {
    if (original.kind != patched.kind || original.delta != patched.delta) return false;
    switch (patched.kind) {
        case Target::Kind::undefined:
            return original.symbol->name == patched.symbol->name;
        case Target::Kind::absolute:
            return true;
        case Target::Kind::piece:
            return same_piece(*original.piece, *patched.piece);
        case Target::Kind::literal:
            return original.section->entry_size == patched.section->entry_size &&
                   std::ranges::equal(literal_at(*original.section, original.anchor),
                                      literal_at(*patched.section, patched.anchor));
        case Target::Kind::entry:
            return same_entry(*original.entry, *patched.entry);
        case Target::Kind::elsewhere:
            return original.section->name == patched.section->name;
    }
    return false;
}

// What is in them is compared with the code that they belong to.
bool Comparison::same_entry(const SpecialEntry& original, const SpecialEntry& patched) const {
    const auto position = [](const SpecialEntry& entry) {
        return std::ranges::count_if(entry.owner->entries, [&](const SpecialEntry& each) {
            return each.table == entry.table && &each < &entry;
        });
    };
    return original.table == patched.table && position(original) == position(patched) &&
           same_piece(*original.owner, *patched.owner);
}

bool Comparison::same_piece(const Piece& original, const Piece& patched) const {
    const Piece* counterpart = pairs_.original_of(patched);
    if (counterpart != nullptr || pairs_.patched_of(original) != nullptr) return counterpart == &original;
    if (original.role != patched.role || original.has_identity() || patched.has_identity()) return false;
    // Code of a pool has entries that refer to it: two are equal unless something else differs.
    const std::pair asked{&original, &patched};
    if (std::ranges::find(asked_, asked) != asked_.end()) return true;
    if (asked_.size() >= deepest_nesting) return false;
    asked_.push_back(asked);
    const bool result = original.base == patched.base && equal(original, patched);
    asked_.pop_back();
    return result;
}

std::string describe(const Target& target) {
    const auto with_offset = [&](std::string_view name) {
        return target.delta == 0 ? std::string(name) : fmt::format("{}{:+#x}", name, target.delta);
    };
    switch (target.kind) {
        case Target::Kind::undefined:
            return with_offset(target.symbol->name);
        case Target::Kind::absolute:
            return fmt::format("{:#x}", target.delta);
        case Target::Kind::piece:
            return with_offset(target.piece->label());
        case Target::Kind::literal: {
            if (!target.section->is_strings()) return fmt::format("a constant in {}", target.section->name);
            std::string_view text = as_text(literal_at(*target.section, target.anchor));
            if (!text.empty()) text.remove_suffix(1);
            return fmt::format("{:?}", text);
        }
        case Target::Kind::entry:
            return fmt::format("the entry of {} for '{}'+{:#x}", target.section->name, target.entry->owner->label(),
                               target.entry->owner_offset);
        case Target::Kind::elsewhere:
            break;
    }
    return with_offset(target.section->name);
}

}  // namespace klp::diff
