// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/line_directives.hpp"

#include <fmt/core.h>

#include <optional>

#include "source/c_scanner.hpp"

namespace klp::source {
namespace {

// End of the run of lines from `begin` that stood one after the other in the original too.
std::size_t end_of_run(const std::vector<Line>& lines, std::size_t begin) {
    std::size_t end = begin + 1;
    while (end < lines.size() && lines[end].original == lines[end - 1].original + 1) ++end;
    return end;
}

std::optional<std::size_t> directive_place(const std::vector<Line>& lines, const std::vector<LineStart>& starts,
                                           std::size_t begin, std::size_t end) {
    std::optional<std::size_t> in_parentheses;
    for (std::size_t i = begin; i < end; ++i) {
        const bool ends_function = lines[i].text.starts_with('}');
        if (starts[i].is_clean) {
            if (ends_function && in_parentheses) return in_parentheses;
            if (starts[i].parentheses == 0) return i;
            if (!in_parentheses) in_parentheses = i;
        }
    }
    return in_parentheses;
}

}  // namespace

std::string with_line_directives(const std::vector<Line>& lines) {
    CScanner scanner;
    std::vector<LineStart> starts;
    starts.reserve(lines.size());
    for (const auto& line : lines) starts.push_back(scanner.next_line(line.text));
    std::string text;
    std::size_t number = 1;       // what the compiler takes the next line's to be; 0: not known
    bool may_be_skipped = false;  // the last directive stands under an #if
    for (std::size_t i = 0; i < lines.size();) {
        const std::size_t end = lines[i].original == 0 ? i + 1 : end_of_run(lines, i);
        std::optional<std::size_t> place;
        if (lines[i].original != 0 && lines[i].original != number) place = directive_place(lines, starts, i, end);
        do {
            if (place == i) {
                number = lines[i].original;
                may_be_skipped = starts[i].conditions > 0;
                text += fmt::format("#line {}\n", number);
            }
            text += lines[i].text;
            if (number != 0) ++number;
            ++i;
            if (i < lines.size() && may_be_skipped && starts[i].follows_group_end) {
                number = 0;
                may_be_skipped = false;
                break;
            }
        } while (i < end);
    }
    return text;
}

}  // namespace klp::source
