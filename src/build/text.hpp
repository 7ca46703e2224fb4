// SPDX-License-Identifier: GPL-2.0-or-later
// Lines of text files.
#pragma once

#include <string_view>
#include <vector>

namespace klp::build {

// Each line with its newline; the last one may lack it. Empty text has no lines.
[[nodiscard]] inline std::vector<std::string_view> split_lines(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::size_t size = end == std::string_view::npos ? text.size() : end + 1;
        lines.push_back(text.substr(0, size));
        text.remove_prefix(size);
    }
    return lines;
}

[[nodiscard]] inline std::string_view without_newline(std::string_view line) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    return line;
}

}  // namespace klp::build
