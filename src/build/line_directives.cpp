// SPDX-License-Identifier: GPL-2.0-or-later
#include "build/line_directives.hpp"

#include <fmt/core.h>

#include <optional>

#include "build/text.hpp"

namespace klp::build {
namespace {

class Scanner {
public:
    LineStart next_line(std::string_view line) {
        if (!continues_ && !in_block_comment_) begin_logical_line(line);
        const LineStart start{!continues_ && !in_block_comment_, parentheses_};
        scan(line);
        return start;
    }

private:
    enum class Literal : char { none = 0, string = '"', character = '\'' };

    void begin_logical_line(std::string_view line) {
        in_line_comment_ = in_directive_ = false;
        literal_ = Literal::none;
        const std::size_t first = line.find_first_not_of(" \t");
        if (first == std::string_view::npos) return;
        if (line[first] == '#') {
            in_directive_ = true;
            follow_condition(line.substr(line.find_first_not_of(" \t", first + 1) == std::string_view::npos
                                             ? line.size()
                                             : line.find_first_not_of(" \t", first + 1)));
        } else if (line[0] == '{' || line[0] == '}') {
            parentheses_ = 0;  // a function's own braces: whatever confused the count ends here
        }
    }

    void follow_condition(std::string_view directive) {
        if (directive.starts_with("if")) {
            conditions_.push_back(parentheses_);
        } else if (conditions_.empty()) {
            return;
        } else if (directive.starts_with("el")) {
            parentheses_ = conditions_.back();
        } else if (directive.starts_with("endif")) {
            conditions_.pop_back();
        }
    }

    void scan(std::string_view line) {
        std::string_view text = without_newline(line);
        const std::size_t last = text.find_last_not_of(" \t\r");  // GCC takes blanks after the backslash too
        continues_ = last != std::string_view::npos && text[last] == '\\';
        if (continues_) text = text.substr(0, last);
        for (std::size_t i = 0; i < text.size(); ++i) {
            const char next = i + 1 < text.size() ? text[i + 1] : '\0';
            i += step(text[i], next);
        }
    }

    // Returns how many characters beyond `c` it used.
    std::size_t step(char c, char next) {
        if (in_block_comment_) {
            if (c != '*' || next != '/') return 0;
            in_block_comment_ = false;
            return 1;
        }
        if (in_line_comment_) return 0;
        if (literal_ != Literal::none) {
            if (c == static_cast<char>(literal_)) literal_ = Literal::none;
            return c == '\\' ? 1 : 0;
        }
        if (c == '/' && next == '*') return in_block_comment_ = true, 1;
        if (c == '/' && next == '/') return in_line_comment_ = true, 1;
        if (c == '"' || c == '\'') literal_ = static_cast<Literal>(c);
        if (c == '(' && !in_directive_) ++parentheses_;
        if (c == ')' && !in_directive_ && parentheses_ > 0) --parentheses_;
        return 0;
    }

    bool in_block_comment_ = false;
    bool in_line_comment_ = false;
    bool in_directive_ = false;
    bool continues_ = false;  // the line before ended with a backslash
    Literal literal_ = Literal::none;
    int parentheses_ = 0;
    std::vector<int> conditions_;
};

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

std::vector<LineStart> scan_line_starts(const std::vector<Line>& lines) {
    Scanner scanner;
    std::vector<LineStart> starts;
    starts.reserve(lines.size());
    for (const auto& line : lines) starts.push_back(scanner.next_line(line.text));
    return starts;
}

std::string with_line_directives(const std::vector<Line>& lines) {
    const auto starts = scan_line_starts(lines);
    std::string text;
    std::size_t number = 1;  // what the compiler takes the next line's to be
    for (std::size_t i = 0; i < lines.size();) {
        const std::size_t end = lines[i].original == 0 ? i + 1 : end_of_run(lines, i);
        std::optional<std::size_t> place;
        if (lines[i].original != 0 && lines[i].original != number) place = directive_place(lines, starts, i, end);
        for (; i < end; ++i) {
            if (place == i) {
                number = lines[i].original;
                text += fmt::format("#line {}\n", number);
            }
            text += lines[i].text;
            ++number;
        }
    }
    return text;
}

}  // namespace klp::build
