// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/c_scanner.hpp"

#include <utility>

#include "base/text.hpp"

namespace klp::source {
namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

std::string_view without_blanks(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    return text;
}

}  // namespace

LineStart CScanner::next_line(std::string_view line) {
    LineStart start{!continues_ && !in_block_comment_, parentheses_, conditions_.size()};
    if (start.is_clean) {
        start.follows_group_end = std::exchange(group_has_ended_, false);
        begin_logical_line(line);
        start.parentheses = parentheses_;
    }
    scan(line);
    return start;
}

void CScanner::begin_logical_line(std::string_view line) {
    in_line_comment_ = in_directive_ = false;
    literal_ = Literal::none;
    const std::string_view text = without_blanks(line);
    if (text.starts_with('#')) {
        in_directive_ = true;
        follow_condition(without_blanks(text.substr(1)));
    } else if (line.starts_with('{') || line.starts_with('}')) {
        parentheses_ = 0;  // a function's own braces: whatever confused the count ends here
    }
}

void CScanner::follow_condition(std::string_view directive) {
    if (directive.starts_with("if")) {
        conditions_.push_back(parentheses_);
    } else if (conditions_.empty()) {
        return;
    } else if (directive.starts_with("el")) {
        parentheses_ = conditions_.back();
        group_has_ended_ = true;
    } else if (directive.starts_with("endif")) {
        conditions_.pop_back();
        group_has_ended_ = true;
    }
}

void CScanner::scan(std::string_view line) {
    std::string_view text = without_newline(line);
    const std::size_t last = text.find_last_not_of(" \t\r");  // GCC takes blanks after the backslash too
    continues_ = last != std::string_view::npos && text[last] == '\\';
    if (continues_) text = text.substr(0, last);
    code_.clear();
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char next = i + 1 < text.size() ? text[i + 1] : '\0';
        i += step(text[i], next);
    }
    if (continues_) code_ += '\\';
    if (line.ends_with('\n')) code_ += '\n';
}

// Returns how many characters beyond `c` it used.
std::size_t CScanner::step(char c, char next) {
    if (in_block_comment_) {
        if (c != '*' || next != '/') return 0;
        in_block_comment_ = false;
        return 1;
    }
    if (in_line_comment_) return 0;
    if (literal_ == Literal::none && c == '/' && (next == '*' || next == '/')) {
        (next == '*' ? in_block_comment_ : in_line_comment_) = true;
        code_ += ' ';
        return 1;
    }
    code_ += c;
    if (literal_ != Literal::none) {
        if (c == static_cast<char>(literal_)) literal_ = Literal::none;
        if (c != '\\' || next == '\0') return 0;
        code_ += next;
        return 1;
    }
    if (c == '"' || c == '\'') literal_ = static_cast<Literal>(c);
    if (c == '(' && !in_directive_) ++parentheses_;
    if (c == ')' && !in_directive_ && parentheses_ > 0) --parentheses_;
    return 0;
}

std::string code_without_comments(std::string_view text) {
    CScanner scanner;
    std::string code;
    for (const auto line : lines_with_ends(text)) {
        scanner.next_line(line);
        const std::string& rest = scanner.code();
        const std::size_t last = rest.find_last_not_of(" \t\r\n");
        if (last != std::string::npos) code += rest.substr(0, last + 1) + '\n';
    }
    return code;
}

}  // namespace klp::source
