// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/patch_words.hpp"

#include <charconv>
#include <optional>

namespace klp::source {
namespace {

// No file has so many lines; sums of such numbers stay far from any overflow.
constexpr std::size_t largest_number = 1'000'000'000;

// The next number of a hunk header; moves `rest` behind it.
std::optional<std::size_t> take_number(std::string_view& rest) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc() || value > largest_number) return std::nullopt;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    return value;
}

}  // namespace

bool take(std::string_view& rest, std::string_view expected) {
    if (!rest.starts_with(expected)) return false;
    rest.remove_prefix(expected.size());
    return true;
}

bool take_range(std::string_view& rest, std::string_view sign, std::size_t& start, std::size_t& count) {
    if (!take(rest, sign)) return false;
    const auto first = take_number(rest);
    if (!first) return false;
    start = *first;
    count = 1;
    if (!take(rest, ",")) return true;
    const auto second = take_number(rest);
    if (!second) return false;
    count = *second;
    return true;
}

std::string unquote(std::string_view text) {
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
    text = text.substr(1, text.size() - 2);
    std::string name;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            name += text[i];
        } else if (i + 3 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '3') {
            name += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            name += text[++i];
        }
    }
    return name;
}

std::string header_path(std::string_view text) {
    text = text.substr(0, text.find('\t'));
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    std::string name = unquote(text);
    if (name == "/dev/null") name.clear();
    return name;
}

}  // namespace klp::source
