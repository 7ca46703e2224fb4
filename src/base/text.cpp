// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace klp {

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

std::vector<std::string_view> lines_with_ends(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::size_t size = end == std::string_view::npos ? text.size() : end + 1;
        lines.push_back(text.substr(0, size));
        text.remove_prefix(size);
    }
    return lines;
}

std::string_view without_newline(std::string_view line) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    return line;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> fields;
    while (true) {
        const std::size_t end = text.find(separator);
        fields.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return fields;
        text.remove_prefix(end + 1);
    }
}

std::string_view c_string(std::string_view text) {
    return text.substr(0, text.find('\0'));
}

std::optional<std::string_view> terminated_string(std::string_view text) {
    const std::size_t length = text.find('\0');
    return length == std::string_view::npos ? std::nullopt : std::optional(text.substr(0, length));
}

std::vector<std::string_view> c_strings(std::string_view text) {
    std::vector<std::string_view> strings;
    while (!text.empty()) {
        const std::string_view string = c_string(text);
        if (!string.empty()) strings.push_back(string);
        text.remove_prefix(std::min(string.size() + 1, text.size()));
    }
    return strings;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

bool version_less(std::string_view a, std::string_view b) {
    return ::strverscmp(std::string(a).c_str(), std::string(b).c_str()) < 0;
}

}  // namespace klp
