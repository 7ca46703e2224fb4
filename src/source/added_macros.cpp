// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/added_macros.hpp"

#include <cctype>
#include <optional>
#include <string_view>
#include <utility>

namespace klp::source {
namespace {

bool separates(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void strip(std::string_view& text) {
    while (!text.empty() && separates(text.front())) text.remove_prefix(1);
    while (!text.empty() && separates(text.back())) text.remove_suffix(1);
}

bool take_directive_word(std::string_view& rest, std::string_view word) {
    strip(rest);
    if (!rest.starts_with(word)) return false;
    rest.remove_prefix(word.size());
    return true;
}

// A comment that goes on in the next line is none here: what the macro stands for is then not known.
std::string without_comments(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        if (text.starts_with("//")) break;
        const std::size_t end = text.starts_with("/*") ? text.find("*/", 2) : std::string_view::npos;
        if (end != std::string_view::npos) {
            result += ' ';
            text.remove_prefix(end + 2);
        } else {
            result += text.front();
            text.remove_prefix(1);
        }
    }
    return result;
}

std::optional<std::pair<std::string, std::string>> definition_in(std::string_view line) {
    if (!take_directive_word(line, "#") || !take_directive_word(line, "define")) return std::nullopt;
    if (line.empty() || !separates(line.front())) return std::nullopt;
    strip(line);
    std::size_t size = 0;
    while (size < line.size() && (std::isalnum(static_cast<unsigned char>(line[size])) != 0 || line[size] == '_'))
        ++size;
    std::string name(line.substr(0, size));
    line.remove_prefix(size);
    if (name.empty() || line.starts_with('(')) return std::nullopt;
    const std::string bare = without_comments(line);
    std::string_view body = bare;
    strip(body);
    return std::pair(std::move(name), std::string(body.ends_with('\\') ? std::string_view() : body));
}

}  // namespace

std::map<std::string, std::string, std::less<>> added_macros(const PatchedFiles& files) {
    std::map<std::string, std::string, std::less<>> macros;
    for (const auto& [path, file] : files.files()) {
        for (const Line& line : file.lines) {
            if (line.original != 0) continue;
            auto found = definition_in(line.text);
            if (!found) continue;
            const auto [place, is_new] = macros.try_emplace(found->first, found->second);
            if (!is_new && place->second != found->second) place->second.clear();
        }
    }
    return macros;
}

}  // namespace klp::source
