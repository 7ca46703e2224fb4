// SPDX-License-Identifier: GPL-2.0-or-later
// rpm: rpmio/macro.c, docs/manual/macros.md.
#include "packages/spec_macros.hpp"

#include <cctype>

#include "base/text.hpp"

namespace klp::packages {

namespace {

constexpr int depth_limit = 24;

bool is_macro_letter(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string_view macro_name(std::string_view text) {
    std::size_t end = 0;
    while (end < text.size() && is_macro_letter(text[end])) ++end;
    return text.substr(0, end);
}

// The position behind the bracket that closes the one at `open`; npos where there is none.
std::size_t behind_bracket(std::string_view text, std::size_t open, char opening, char closing) {
    int depth = 0;
    for (std::size_t at = open; at < text.size(); ++at) {
        if (text[at] == opening) ++depth;
        if (text[at] == closing && --depth == 0) return at + 1;
    }
    return std::string_view::npos;
}

// Options that rpmbuild is given, which no distribution's build has.
bool is_of_command_line(std::string_view name) {
    return name.starts_with("_with_") || name.starts_with("_without_");
}

}  // namespace

void SpecMacros::define(std::string_view name, std::string_view body) {
    bodies_.insert_or_assign(std::string(name), std::string(body));
}

void SpecMacros::make_unknown(std::string_view name) {
    bodies_.insert_or_assign(std::string(name), std::nullopt);
}

void SpecMacros::undefine(std::string_view name) {
    bodies_.erase(std::string(name));
    undefined_.insert(std::string(name));
}

std::optional<bool> SpecMacros::is_defined(std::string_view name) const {
    const auto found = bodies_.find(name);
    if (found != bodies_.end() && found->second) return true;
    if (found == bodies_.end() && (is_of_command_line(name) || undefined_.contains(name))) return false;
    return std::nullopt;
}

std::string SpecMacros::value_of(std::string_view name, int depth) const {
    const auto found = bodies_.find(name);
    if (found == bodies_.end() || !found->second) return {unknown};
    return expand(*found->second, depth + 1);
}

// NAME, ?NAME, !?NAME, ?NAME:TEXT, !?NAME:TEXT; all else is rpm's own.
std::string SpecMacros::expand_braced(std::string_view inner, int depth) const {
    bool negated = false;
    bool asks = false;
    while (!inner.empty() && (inner.front() == '!' || inner.front() == '?')) {
        (inner.front() == '!' ? negated : asks) = true;
        inner.remove_prefix(1);
    }
    const std::string_view name = macro_name(inner);
    const std::string_view rest = inner.substr(name.size());
    if (name.empty() || !(rest.empty() || (asks && rest.front() == ':'))) return {unknown};
    if (!asks) return value_of(name, depth);
    const auto defined = is_defined(name);
    if (!defined) return {unknown};
    if (*defined == negated) return {};
    if (!rest.empty()) return expand(rest.substr(1), depth + 1);
    return negated ? std::string() : value_of(name, depth);
}

std::string SpecMacros::expand(std::string_view text, int depth) const {
    if (depth > depth_limit) return {unknown};
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
        const char next = at + 1 < text.size() ? text[at + 1] : '\0';
        if (text[at] != '%' || next == '\0') {
            result += text[at++];
        } else if (next == '%') {
            result += '%';
            at += 2;
        } else if (next == '{') {
            const std::size_t end = behind_bracket(text, at + 1, '{', '}');
            if (end == std::string_view::npos) return result + unknown;
            result += expand_braced(text.substr(at + 2, end - at - 3), depth);
            at = end;
        } else if (next == '(' || next == '[') {
            const std::size_t end = behind_bracket(text, at + 1, next, next == '(' ? ')' : ']');
            if (end == std::string_view::npos) return result + unknown;
            result += unknown;
            at = end;
        } else {
            std::size_t begin = at + 1;
            while (begin < text.size() && (text[begin] == '?' || text[begin] == '!')) ++begin;
            const std::string_view name = macro_name(text.substr(begin));
            if (name.empty()) {
                result += text[at++];
                continue;
            }
            result += expand_braced(text.substr(at + 1, begin + name.size() - at - 1), depth);
            at = begin + name.size();
        }
    }
    return result;
}

bool fits_pattern(std::string_view name, std::string_view pattern) {
    std::size_t at = 0;
    std::size_t in_pattern = 0;
    std::size_t star = std::string_view::npos;
    std::size_t mark = 0;
    while (at < name.size()) {
        if (in_pattern < pattern.size() && pattern[in_pattern] == SpecMacros::unknown) {
            star = in_pattern++;
            mark = at;
        } else if (in_pattern < pattern.size() && pattern[in_pattern] == name[at]) {
            ++in_pattern;
            ++at;
        } else if (star != std::string_view::npos) {
            in_pattern = star + 1;
            at = ++mark;
        } else {
            return false;
        }
    }
    while (in_pattern < pattern.size() && pattern[in_pattern] == SpecMacros::unknown) ++in_pattern;
    return in_pattern == pattern.size();
}

}  // namespace klp::packages
