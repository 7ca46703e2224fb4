// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/strides.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace klp::diff {

namespace {

// The assembler aligns entries to what their widest field needs, before each: only the last one lacks padding.
constexpr std::uint64_t widest_alignment = 8;

class LayoutFit {
public:
    LayoutFit(const EntryTable& entries, const arch::EntryLayout& layout)
        : entries_(entries), layout_(layout), size_(entries.section.size()) {}

    [[nodiscard]] bool is_whole() const { return size_ % layout_.bytes == 0; }
    // Up to where fields, owners and padding are where the layout has them; the size: everywhere.
    [[nodiscard]] std::uint64_t fits_up_to(bool needs_owners) const {
        std::uint64_t end = end_fits() ? size_ : size_ - size_ % layout_.bytes;
        const auto misfit = std::ranges::find_if(entries_.relocations, [&](auto each) { return !takes(*each); });
        if (misfit != entries_.relocations.end()) end = std::min(end, (*misfit)->offset);
        return needs_owners ? std::min(end, first_without_owner()) : end;
    }
    // What belongs to code names code of its own object.
    [[nodiscard]] bool owners_are_code() const {
        for (std::uint64_t at = entries_.table.owner_field; at < size_; at += layout_.bytes) {
            const elf::Relocation* owner = relocation_at(at);
            const elf::Section* section = owner == nullptr ? nullptr : owner->symbol->section;
            if (section == nullptr || !(section->is_code() || entries_.architecture.is_code_pool(section->name)))
                return false;
        }
        return true;
    }

private:
    // The entry, by its offset; the size: none.
    [[nodiscard]] std::uint64_t first_without_owner() const {
        for (std::uint64_t at = 0; at < size_; at += layout_.bytes)
            if (relocation_at(at + entries_.table.owner_field) == nullptr) return at;
        return size_;
    }

    [[nodiscard]] const elf::Relocation* relocation_at(std::uint64_t offset) const {
        const auto found = std::ranges::lower_bound(entries_.relocations, offset, {}, &elf::Relocation::offset);
        return found == entries_.relocations.end() || (*found)->offset != offset ? nullptr : *found;
    }

    [[nodiscard]] bool takes(const elf::Relocation& relocation) const {
        if (layout_.fields.empty()) return true;
        const std::uint64_t at = relocation.offset % layout_.bytes;
        const auto info = entries_.architecture.relocation_info(relocation.type);
        if (at % 4 != 0 || at / 4 >= layout_.fields.size()) return false;
        const char field = layout_.fields[at / 4];
        return field == 'r' ? !info || info->size <= 4 : field == 'R' && (!info || info->size == 8);
    }

    // The bytes that the last entry lacks are padding if they are zero in the others.
    [[nodiscard]] bool end_fits() const {
        const std::uint64_t rest = size_ % layout_.bytes;
        if (rest == 0) return true;
        const std::size_t last_field = layout_.fields.find_last_of("rR_");
        const std::uint64_t least = last_field == std::string_view::npos ? layout_.bytes : (last_field + 1) * 4;
        if (rest < least || layout_.bytes - rest >= widest_alignment) return false;
        for (std::uint64_t end = layout_.bytes; end < size_; end += layout_.bytes) {
            const Bytes tail = entries_.section.content().subspan(end - layout_.bytes + rest, layout_.bytes - rest);
            if (!std::ranges::all_of(tail, [](std::byte each) { return each == std::byte{0}; })) return false;
        }
        return true;
    }

    const EntryTable& entries_;
    const arch::EntryLayout& layout_;
    std::uint64_t size_;
};

std::uint32_t probed_entry_size(const EntrySizes& probed, std::string_view section) {
    const auto found = std::ranges::find(probed, section, &EntrySizes::value_type::first);
    return found == probed.end() ? 0 : found->second;
}

std::vector<arch::EntryLayout> candidates(const arch::SpecialSection& table, std::uint32_t probed) {
    std::vector<arch::EntryLayout> layouts(table.layouts.begin(), table.layouts.end());
    if (probed == 0) return layouts;
    std::erase_if(layouts, [&](const arch::EntryLayout& each) { return each.bytes != probed; });
    if (layouts.empty()) layouts.push_back({.bytes = probed});
    return layouts;
}

// Keeps those for which the predicate holds, if it holds for any.
template <typename Predicate>
void prefer(const EntryTable& entries, std::vector<arch::EntryLayout>& layouts, Predicate predicate) {
    const auto is_worse = [&](const arch::EntryLayout& each) { return !predicate(LayoutFit(entries, each)); };
    if (!std::ranges::all_of(layouts, is_worse)) std::erase_if(layouts, is_worse);
}

// `offset`: from where on.
[[noreturn]] void fail(const EntryTable& entries, const std::vector<arch::EntryLayout>& layouts, std::string_view what,
                       Location where, std::uint64_t offset) {
    std::vector<std::uint32_t> sizes;
    for (const arch::EntryLayout& each : layouts) sizes.push_back(each.bytes);
    std::ranges::sort(sizes);
    const auto end = std::unique(sizes.begin(), sizes.end());
    sizes.erase(end, sizes.end());
    where.offset = offset;
    throw Error(where, fmt::format("{} bytes {} of {} bytes", entries.section.size(), what, fmt::join(sizes, " or ")));
}

}  // namespace

arch::EntryLayout layout_of(const EntryTable& entries, const EntrySizes& probed, const Location& where) {
    const auto known = candidates(entries.table, probed_entry_size(probed, entries.section.name));
    std::vector<arch::EntryLayout> layouts = known;
    std::uint64_t fits_up_to = 0;
    std::erase_if(layouts, [&](const arch::EntryLayout& each) {
        const std::uint64_t end = LayoutFit(entries, each).fits_up_to(known.size() > 1);
        fits_up_to = std::max(fits_up_to, end);
        return end < entries.section.size();
    });
    if (layouts.empty()) fail(entries, known, "with these relocations are no array of entries", where, fits_up_to);
    if (layouts.size() > 1) {
        prefer(entries, layouts, [](const LayoutFit& fit) { return fit.is_whole(); });
        prefer(entries, layouts, [](const LayoutFit& fit) { return fit.owners_are_code(); });
    }
    // Of an array of small entries, every second owner field could be that of a large one.
    const arch::EntryLayout& least = *std::ranges::min_element(layouts, {}, &arch::EntryLayout::bytes);
    const auto is_explained = [&](const arch::EntryLayout& each) { return each.bytes % least.bytes == 0; };
    if (!std::ranges::all_of(layouts, is_explained)) fail(entries, layouts, "may be entries", where, least.bytes);
    return least;
}

}  // namespace klp::diff
