// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/c_tokens.hpp"

#include <algorithm>

namespace klp::source {
namespace {

bool is_token_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

bool is_in_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$';
}

// Where a backslash at `at` continues the line: behind the newline; otherwise `at`.
std::size_t behind_splice(std::string_view source, std::size_t at) {
    if (source[at] != '\\') return at;
    std::size_t end = at + 1;
    if (end < source.size() && source[end] == '\r') ++end;
    return end < source.size() && source[end] == '\n' ? end + 1 : at;
}

// Behind a literal that begins at `at`. One that the line's end cuts short ends there: an apostrophe in an #error.
std::size_t behind_literal(std::string_view source, std::size_t at) {
    const char quote = source[at];
    for (++at; at < source.size() && source[at] != '\n'; ++at) {
        if (source[at] == '\\' && at + 1 < source.size()) {
            ++at;
        } else if (source[at] == quote) {
            return at + 1;
        }
    }
    return at;
}

// Behind a `//` comment, which a backslash continues as well: at the newline.
std::size_t behind_line_comment(std::string_view source, std::size_t at) {
    while (at < source.size() && source[at] != '\n') at = std::max(at + 1, behind_splice(source, at));
    return at;
}

class LineSplitter {
public:
    std::vector<std::string> split(std::string_view source) {
        for (std::size_t at = 0; at < source.size();) at = step(source, at);
        end_line();
        return std::move(lines_);
    }

private:
    std::size_t step(std::string_view source, std::size_t at) {
        const char c = source[at];
        const char next = at + 1 < source.size() ? source[at + 1] : '\0';
        if (c == '\n') {
            end_line();
            return at + 1;
        }
        if (const std::size_t end = behind_splice(source, at); end != at) return end;
        if (c == '/' && next == '*') {
            blank();
            return std::min(source.find("*/", at + 2), source.size() - 2) + 2;
        }
        if (c == '/' && next == '/') return behind_line_comment(source, at);
        if (is_token_blank(c)) {
            blank();
            return at + 1;
        }
        const std::size_t end = c == '"' || c == '\'' ? behind_literal(source, at) : at + 1;
        line_ += source.substr(at, end - at);
        return end;
    }
    void blank() {
        if (!line_.empty() && line_.back() != ' ') line_ += ' ';
    }
    void end_line() {
        if (line_.ends_with(' ')) line_.pop_back();
        if (!line_.empty()) lines_.push_back(std::move(line_));
        line_.clear();
    }

    std::vector<std::string> lines_;
    std::string line_;
};

}  // namespace

std::vector<std::string> code_lines(std::string_view source) {
    return LineSplitter().split(source);
}

CTokens c_tokens(std::string_view code) {
    CTokens tokens;
    for (std::size_t at = 0; at < code.size();) {
        std::size_t end = at + 1;
        if (is_token_blank(code[at]) || code[at] == '\n') {
            at = end;
            continue;
        }
        if (is_in_word(code[at]))
            while (end < code.size() && is_in_word(code[end])) ++end;
        if (code[at] == '"' || code[at] == '\'') end = behind_literal(code, at);
        tokens.push_back(code.substr(at, end - at));
        at = end;
    }
    return tokens;
}

bool is_c_identifier(std::string_view token) {
    return !token.empty() && is_in_word(token.front()) && (token.front() < '0' || token.front() > '9');
}

std::size_t behind_group(const CTokens& tokens, std::size_t open) {
    int depth = 0;
    for (std::size_t i = open; i < tokens.size(); ++i) {
        const char c = tokens[i].size() == 1 ? tokens[i].front() : '\0';
        if (c == '(' || c == '{' || c == '[') ++depth;
        if ((c == ')' || c == '}' || c == ']') && --depth == 0) return i + 1;
    }
    return tokens.size();
}

CMacro parse_definition(std::string_view code_line) {
    CMacro macro;
    const CTokens tokens = c_tokens(code_line);
    if (tokens.size() < 3 || tokens[0] != "#" || tokens[1] != "define" || !is_c_identifier(tokens[2])) return macro;
    macro.name = tokens[2];
    std::size_t at = 3;
    const char* behind_name = macro.name.data() + macro.name.size();
    macro.has_parameters = at < tokens.size() && tokens[at] == "(" && tokens[at].data() == behind_name;
    if (macro.has_parameters) {
        for (++at; at < tokens.size() && tokens[at] != ")"; ++at) {
            if (is_c_identifier(tokens[at])) macro.parameters.push_back(tokens[at]);
            const bool is_unnamed_rest = tokens[at] == "." && (tokens[at - 1] == "(" || tokens[at - 1] == ",");
            if (is_unnamed_rest) macro.parameters.emplace_back("__VA_ARGS__");
        }
        at = std::min(at + 1, tokens.size());
    }
    macro.body.assign(tokens.begin() + static_cast<std::ptrdiff_t>(at), tokens.end());
    return macro;
}

}  // namespace klp::source
