// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/shell_words.hpp"

#include <utility>

namespace klp::kernel {
namespace {

class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) {}

    std::vector<ShellWords> commands() {
        while (at_ < text_.size()) step();
        end_command();
        return std::move(commands_);
    }

private:
    void step() {
        const char c = text_[at_++];
        switch (c) {
            case '\'':
                quoted_single();
                break;
            case '"':
                quoted_double();
                break;
            case '\\':
                escaped();
                break;
            case ' ':
            case '\t':
                end_word();
                break;
            case '\n':
            case ';':
            case '|':
            case '&':
            case '(':
            case ')':
                end_command();
                break;
            case '>':
            case '<':
                end_word();
                in_redirection_ = true;
                break;
            default:
                put(c);
        }
    }

    void put(char c) {
        word_ += c;
        in_word_ = true;
    }

    void quoted_single() {
        in_word_ = true;
        const std::size_t end = text_.find('\'', at_);
        word_ += text_.substr(at_, end - at_);
        at_ = end == std::string_view::npos ? text_.size() : end + 1;
    }

    void quoted_double() {
        in_word_ = true;
        while (at_ < text_.size() && text_[at_] != '"') {
            // POSIX: inside double quotes a backslash escapes these four alone.
            if (text_[at_] == '\\' && at_ + 1 < text_.size() &&
                std::string_view("$`\"\\").find(text_[at_ + 1]) != std::string_view::npos)
                ++at_;
            word_ += text_[at_++];
        }
        if (at_ < text_.size()) ++at_;
    }

    void escaped() {
        if (at_ == text_.size()) return;
        const char c = text_[at_++];
        if (c != '\n') put(c);  // a backslash at a line's end continues the line
    }

    void end_word() {
        if (!in_word_) return;
        if (!in_redirection_) words_.push_back(word_);
        word_.clear();
        in_word_ = false;
    }

    void end_command() {
        end_word();
        in_redirection_ = false;
        if (!words_.empty()) commands_.push_back(std::exchange(words_, {}));
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string word_;
    bool in_word_ = false;
    bool in_redirection_ = false;
    ShellWords words_;
    std::vector<ShellWords> commands_;
};

}  // namespace

std::vector<ShellWords> shell_commands(std::string_view script) {
    return Lexer(script).commands();
}

ShellWords shell_words(std::string_view text) {
    ShellWords all;
    for (const ShellWords& words : shell_commands(text)) all.insert(all.end(), words.begin(), words.end());
    return all;
}

}  // namespace klp::kernel
