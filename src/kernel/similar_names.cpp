// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/similar_names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace klp::kernel {

namespace {

constexpr std::size_t most_similar_names = 5;
constexpr std::size_t largest_distance = 2;

// Letters to insert, remove or replace; what is above `limit` is told as limit + 1.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) {
    if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit) return limit + 1;
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
            diagonal = above;
        }
        if (*std::ranges::min_element(row) > limit) return limit + 1;
    }
    return row.back();
}

// Short names are all alike.
std::size_t limit_for(std::string_view name) {
    return name.size() < 6 ? 1 : largest_distance;
}

bool is_variant(std::string_view variant, std::string_view name) {
    return variant.size() > name.size() && variant.starts_with(name) && variant[name.size()] == '.';
}

}  // namespace

void SimilarNames::add(const SymbolTable& symbols) {
    const std::size_t limit = limit_for(name_);
    for (const KernelSymbol& symbol : symbols.symbols()) {
        const std::size_t away = is_variant(symbol.name, name_) ? 0 : distance(name_, symbol.name, limit);
        if (away <= limit) found_.emplace(away, fmt::format("'{}' of {}", symbol.name, symbols.object()));
    }
}

std::vector<std::string> SimilarNames::texts() const {
    std::vector<std::string> texts;
    for (const auto& [away, text] : found_)
        if (texts.size() < most_similar_names) texts.push_back(text);
    return texts;
}

}  // namespace klp::kernel
