// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/touched_names.hpp"

#include <algorithm>
#include <vector>

#include "source/c_items.hpp"
#include "source/c_tokens.hpp"

namespace klp::source {
namespace {

bool is_same_item(const CItem& a, const CItem& b) {
    return a.text == b.text && a.conditions == b.conditions;
}

// Steps of the comparison below. What has more is a header of another kind than those that patches change.
constexpr std::size_t most_steps = 50'000'000;

using Items = std::vector<const CItem*>;

void drop_common_ends(Items& a, Items& b) {
    const auto same = [](const CItem* x, const CItem* y) { return is_same_item(*x, *y); };
    const auto [a_from, b_from] = std::ranges::mismatch(a, b, same);
    a.erase(a.begin(), a_from);
    b.erase(b.begin(), b_from);
    while (!a.empty() && !b.empty() && same(a.back(), b.back())) {
        a.pop_back();
        b.pop_back();
    }
}

// Those of both sides that are in no longest common subsequence: an item that moves is among them, since others may
// now come before its names are known. nullopt: too many to tell.
std::optional<Items> different_items(Items a, Items b) {
    drop_common_ends(a, b);
    if ((a.size() + 1) * (b.size() + 1) > most_steps) return std::nullopt;
    const std::size_t width = b.size() + 1;
    std::vector<std::uint32_t> longest((a.size() + 1) * width);
    for (std::size_t i = a.size(); i-- > 0;)
        for (std::size_t j = b.size(); j-- > 0;)
            longest[i * width + j] = is_same_item(*a[i], *b[j])
                                         ? longest[(i + 1) * width + j + 1] + 1
                                         : std::max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    Items different;
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < a.size() && j < b.size()) {
        if (is_same_item(*a[i], *b[j])) {
            ++i;
            ++j;
        } else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) {
            different.push_back(a[i++]);
        } else {
            different.push_back(b[j++]);
        }
    }
    different.insert(different.end(), a.begin() + static_cast<std::ptrdiff_t>(i), a.end());
    different.insert(different.end(), b.begin() + static_cast<std::ptrdiff_t>(j), b.end());
    return different;
}

// Of the item's macro, under the item's condition.
std::ptrdiff_t count_definitions(const std::vector<CItem>& items, const CItem& macro) {
    return std::ranges::count_if(items, [&](const CItem& each) {
        return each.kind == CItem::Kind::macro && each.names == macro.names && each.conditions == macro.conditions &&
               c_tokens(each.text)[1] == "define";
    });
}

Items pointers(const std::vector<CItem>& items) {
    Items found;
    for (const CItem& item : items) found.push_back(&item);
    return found;
}

}  // namespace

std::optional<TouchedNames> touched_names(std::string_view before, std::string_view after) {
    const std::vector<CItem> original = c_items(before);
    const std::vector<CItem> patched = c_items(after);
    const auto different = different_items(pointers(original), pointers(patched));
    if (!different) return std::nullopt;
    TouchedNames touched;
    for (const CItem* item : *different) {
        if (item->kind == CItem::Kind::inert) continue;
        if (item->kind != CItem::Kind::macro && item->kind != CItem::Kind::declaration) return std::nullopt;
        touched.names.insert(item->names.begin(), item->names.end());
        touched.makes_macros |= item->kind == CItem::Kind::macro &&
                                (count_definitions(original, *item) != 1 || count_definitions(patched, *item) != 1);
    }
    return touched;
}

}  // namespace klp::source
