// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/klp_names.hpp"

#include <algorithm>
#include <cctype>

#include "format/livepatch.hpp"

namespace klp::loader {

namespace {

// "%WIDTH[^END]": what does not fit the width is left to the next item, which then fails.
std::optional<std::string> scan_until(std::string_view& text, char end, std::size_t width) {
    const std::size_t length = std::min({text.find(end), text.size(), width});
    if (length == 0) return std::nullopt;
    std::string scanned(text.substr(0, length));
    text.remove_prefix(length);
    return scanned;
}

bool scan_literal(std::string_view& text, std::string_view literal) {
    if (!text.starts_with(literal)) return false;
    text.remove_prefix(literal.size());
    return true;
}

bool is_digit(char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

// "%lu": behind blanks; what follows the digits is not looked at.
std::optional<std::uint64_t> scan_number(std::string_view& text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
    if (text.empty() || !is_digit(text.front())) return std::nullopt;
    std::uint64_t value = 0;
    for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1))
        value = value * 10 + static_cast<std::uint64_t>(text.front() - '0');
    return value;
}

}  // namespace

std::optional<KlpSymbolName> scan_symbol_name(std::string_view name) {
    if (!scan_literal(name, format::symbol_prefix)) return std::nullopt;
    auto object = scan_until(name, '.', format::longest_object_name);
    if (!object || !scan_literal(name, ".")) return std::nullopt;
    auto symbol = scan_until(name, ',', format::longest_symbol_name);
    if (!symbol || !scan_literal(name, ",")) return std::nullopt;
    const auto sympos = scan_number(name);
    if (!sympos) return std::nullopt;
    return KlpSymbolName{std::move(*object), std::move(*symbol), *sympos};
}

std::optional<std::string> scan_section_object(std::string_view name) {
    if (!scan_literal(name, format::rela_prefix)) return std::nullopt;
    return scan_until(name, '.', format::longest_object_name);
}

}  // namespace klp::loader
