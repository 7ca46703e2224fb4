// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/arm64/plts.hpp"

#include <elf.h>

#include <algorithm>
#include <bit>
#include <tuple>

#include "arch/kernel_sort.hpp"

namespace klp::arch::arm64 {

namespace {

constexpr std::uint64_t page_size = 4096;

std::tuple<std::uint32_t, std::uint32_t, std::int64_t> sort_key(const ImageRelocation& relocation) {
    return {relocation.type, relocation.symbol, relocation.addend};
}

bool is_branch(const ImageRelocation& relocation) {
    return relocation.type == R_AARCH64_JUMP26 || relocation.type == R_AARCH64_CALL26;
}

bool is_in_target(const ModuleImage& image, const ImageSection& relocations, const ImageRelocation& relocation) {
    return image.symbols[relocation.symbol].section_index == relocations.info;
}

// partition_branch_plt_relas(). Where the two ends meet, the last one is not looked at and stays unsorted.
std::size_t partition_branches(const ModuleImage& image, ImageSection& relocations) {
    auto& all = relocations.relocations;
    const auto needs_plt = [&](const ImageRelocation& each) {
        return is_branch(each) && !is_in_target(image, relocations, each);
    };
    std::size_t i = 0;
    std::size_t j = all.empty() ? 0 : all.size() - 1;
    while (i < j) {
        if (needs_plt(all[i])) {
            ++i;
        } else if (needs_plt(all[j])) {
            std::swap(all[i], all[j]);
        } else {
            --j;
        }
    }
    return i;
}

// The least alignment of the section that keeps the place out of the last two words of a page.
std::uint64_t safe_alignment(std::uint64_t offset) {
    return std::uint64_t{2} << std::countr_one(offset | 7);
}

// count_plts().
std::uint64_t count(const ModuleImage& image, ImageSection& target, const ImageSection& relocations,
                    bool erratum_843419) {
    const auto& all = relocations.relocations;
    std::uint64_t entries = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const bool is_adrp = all[i].type == R_AARCH64_ADR_PREL_PG_HI21 || all[i].type == R_AARCH64_ADR_PREL_PG_HI21_NC;
        if (is_branch(all[i]) && !is_in_target(image, relocations, all[i])) {
            const bool is_duplicate = i > 0 && sort_key(all[i]) == sort_key(all[i - 1]);
            if (all[i].addend != 0 || !is_duplicate) ++entries;
        } else if (is_adrp && erratum_843419) {
            const std::uint64_t alignment = safe_alignment(all[i].offset);
            if (alignment > page_size) {
                ++entries;
            } else {
                target.alignment = std::max(target.alignment, alignment);
            }
        }
    }
    // Entries that would themselves have their ADRP at a bad place are skipped.
    constexpr std::uint64_t entries_per_page = page_size / plt_entry_size;
    if (erratum_843419) entries += (entries + entries_per_page - 1) / entries_per_page;
    return entries;
}

}  // namespace

std::uint64_t count_plt_entries(ModuleImage& image, ImageSection& relocations, const Features& features) {
    const std::size_t sorted = partition_branches(image, relocations);
    const auto compare = [](const ImageRelocation& a, const ImageRelocation& b) {
        const auto order = sort_key(a) <=> sort_key(b);
        return order < 0 ? -1 : order > 0 ? 1 : 0;
    };
    kernel_sort(std::span(relocations.relocations).first(sorted), compare, features.sort);
    return count(image, image.sections[relocations.info], relocations, features.erratum_843419);
}

}  // namespace klp::arch::arm64
