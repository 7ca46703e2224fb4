// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <charconv>

#include "format/livepatch.hpp"

namespace klp::format {

namespace {

bool is_object_name(std::string_view name) {
    return !name.empty() && name.size() <= longest_object_name && name.find('.') == std::string_view::npos;
}

void require_object_name(std::string_view name) {
    if (is_object_name(name)) return;
    throw Error(fmt::format("'{}' cannot be the object of a livepatch name: expected 1 to {} characters without a dot",
                            name, longest_object_name));
}

// Splits "OBJECT.REST" behind `prefix`.
std::optional<std::pair<std::string_view, std::string_view>> split(std::string_view name, std::string_view prefix) {
    if (!name.starts_with(prefix)) return std::nullopt;
    name.remove_prefix(prefix.size());
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos || !is_object_name(name.substr(0, dot))) return std::nullopt;
    return std::pair(name.substr(0, dot), name.substr(dot + 1));
}

std::optional<RelaName> section_name(std::string_view name, std::string_view prefix) {
    const auto parts = split(name, prefix);
    if (!parts || parts->second.empty()) return std::nullopt;
    return RelaName{std::string(parts->first), std::string(parts->second)};
}

// Digits alone: no sign, no space, nothing behind.
std::optional<std::uint32_t> parse_position(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::string make_symbol_name(const SymbolName& name) {
    require_object_name(name.object);
    const bool has_comma = name.symbol.find(',') != std::string::npos;
    if (name.symbol.empty() || name.symbol.size() > longest_symbol_name || has_comma) {
        throw Error(fmt::format("'{}' cannot be a livepatch symbol: expected 1 to {} characters without a comma",
                                name.symbol, longest_symbol_name));
    }
    return fmt::format("{}{}.{},{}", symbol_prefix, name.object, name.symbol, name.sympos);
}

std::string make_rela_name(const RelaName& name) {
    require_object_name(name.object);
    if (name.section.empty())
        throw Error("a livepatch relocation section needs the name of the section that it applies to");
    return fmt::format("{}{}.{}", rela_prefix, name.object, name.section);
}

std::optional<SymbolName> parse_symbol_name(std::string_view name) {
    const auto parts = split(name, symbol_prefix);
    if (!parts) return std::nullopt;
    const auto [object, rest] = *parts;
    const std::size_t comma = rest.rfind(',');
    if (comma == std::string_view::npos || comma == 0 || comma > longest_symbol_name) return std::nullopt;
    const auto sympos = parse_position(rest.substr(comma + 1));
    if (!sympos) return std::nullopt;
    return SymbolName{std::string(object), std::string(rest.substr(0, comma)), *sympos};
}

std::optional<RelaName> parse_rela_name(std::string_view name) {
    return section_name(name, rela_prefix);
}

std::optional<RelaName> parse_arch_name(std::string_view name) {
    return section_name(name, arch_prefix);
}

}  // namespace klp::format
