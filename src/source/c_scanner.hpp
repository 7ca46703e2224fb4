// SPDX-License-Identifier: GPL-2.0-or-later
// Just enough of C's lexical grammar to know comments, literals, continued lines and open parentheses.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace klp::source {

// What the start of a line is to the C lexer.
struct LineStart {
    bool is_clean = true;            // not in a comment or literal, and the line before does not continue here
    int parentheses = 0;             // open ones; in them, a directive would stand within a macro's arguments
    std::size_t conditions = 0;      // open #ifs; in them, a directive may be skipped
    bool follows_group_end = false;  // the last directive was #else, #elif or #endif, and nothing has come since
};

// Fed with the lines of one file, in order. Both branches of an #if begin with the parentheses that were open
// at it.
class CScanner {
public:
    LineStart next_line(std::string_view line);
    // The last line without comments (a blank in their place), its newline, and what continues it.
    [[nodiscard]] const std::string& code() const noexcept { return code_; }

private:
    enum class Literal : char { none = 0, string = '"', character = '\'' };

    void begin_logical_line(std::string_view line);
    void follow_condition(std::string_view directive);
    void scan(std::string_view line);
    std::size_t step(char c, char next);

    bool in_block_comment_ = false;
    bool in_line_comment_ = false;
    bool in_directive_ = false;
    bool group_has_ended_ = false;
    bool continues_ = false;  // the line before ended with a backslash
    Literal literal_ = Literal::none;
    int parentheses_ = 0;
    std::vector<int> conditions_;  // parentheses at each open #if
    std::string code_;
};

// A file without comments, empty lines and blanks at the ends of lines. Where two files are equal in this, the
// compiler sees no difference but in line numbers.
[[nodiscard]] std::string code_without_comments(std::string_view text);

}  // namespace klp::source
