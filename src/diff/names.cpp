// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/names.hpp"

#include <algorithm>
#include <array>

namespace klp::diff {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_number(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_digit);
}

std::string_view without_trailing_digits(std::string_view text) {
    while (!text.empty() && is_digit(text.back())) text.remove_suffix(1);
    return text;
}

// The part before the first dot can hold __COUNTER__ and __LINE__ in names made by macros
// (include/linux/compiler.h:__UNIQUE_ID, include/linux/init.h:__initcall_id, include/linux/btf_ids.h:__ID).
std::string without_macro_numbers(std::string_view head) {
    if (head.starts_with("__BTF_ID__")) {
        const std::string_view name = without_trailing_digits(head);
        return std::string(name.ends_with("__") ? name : head);
    }
    if (head.starts_with("__UNIQUE_ID_")) return std::string(without_trailing_digits(head));
    if (!head.starts_with("__initcall_")) return std::string(head);
    std::string result;
    std::ranges::copy_if(head, std::back_inserter(result), [](char c) { return !is_digit(c); });
    return result;
}

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

}  // namespace

std::string base_name(std::string_view name) {
    if (is_assembler_label(name)) return std::string(without_trailing_digits(name));
    const std::size_t first_dot = name.find('.', 1);
    std::string result = without_macro_numbers(name.substr(0, first_dot));
    for (std::size_t dot = first_dot; dot != std::string_view::npos;) {
        const std::size_t next = name.find('.', dot + 1);
        const std::string_view part = name.substr(dot + 1, next == std::string_view::npos ? next : next - dot - 1);
        if (!is_number(part)) result.append(".").append(part);
        dot = next;
    }
    return result;
}

// ".llvm." and ".lto_priv." come before the number of a symbol that link-time optimisation made global.
bool may_lack_number(std::string_view base) {
    if (base == ".compoundliteral") return true;
    const std::size_t dot = base.find('.', 1);
    if (dot == std::string_view::npos || base.front() == '.' || base.find('.', dot + 1) != std::string_view::npos)
        return false;
    const std::string_view variable = base.substr(dot + 1);
    return !variable.empty() && !is_digit(variable.front()) && variable != "llvm" && variable != "lto_priv";
}

std::string_view variable_name(std::string_view base) {
    return may_lack_number(base) ? base.substr(base.rfind('.') + 1) : base;
}

bool same_but_number(std::string_view a, std::string_view b) {
    if (a == b) return true;
    const std::string base = base_name(a);
    return base == base_name(b) && (may_lack_number(base) || (base != a && base != b));
}

bool is_variant_of(std::string_view variant, std::string_view name) {
    return variant.size() > name.size() && variant.starts_with(name) && variant[name.size()] == '.';
}

std::optional<std::string_view> parent_of_cold(std::string_view name) {
    constexpr std::string_view suffix = ".cold";
    const std::size_t at = name.rfind(suffix);
    if (at == std::string_view::npos || at == 0) return std::nullopt;
    const std::string_view rest = name.substr(at + suffix.size());
    if (!rest.empty() && !(rest.front() == '.' && is_number(rest.substr(1)))) return std::nullopt;
    return name.substr(0, at);
}

bool is_nameless_constant(std::string_view base) {
    static constexpr std::array<std::string_view, 6> names = {"__func__", "__FUNCTION__", "__PRETTY_FUNCTION__",
                                                              "__msg",    "CSWTCH",       "C"};
    return contains(names, variable_name(base)) || is_assembler_label(base);
}

bool is_message_state(std::string_view base) {
    static constexpr std::array<std::string_view, 6> names = {"__already_done", "__warned", "__print_once", "_rs",
                                                              "___rs",          "__key"};
    return contains(names, variable_name(base));
}

bool is_lock_class_key(std::string_view base) {
    return variable_name(base) == "__key";
}

bool is_debug_descriptor_section(std::string_view name) {
    return name == "__dyndbg" || name == "__verbose";
}

bool is_device_table_alias(std::string_view name) {
    return (name.starts_with("__mod_") && name.ends_with("_device_table")) || name.starts_with("__mod_device_table__");
}

bool is_assembler_label(std::string_view name) {
    return name.starts_with(".L") || name.starts_with('$');  // "$d": arm64's mapping symbols
}

}  // namespace klp::diff
