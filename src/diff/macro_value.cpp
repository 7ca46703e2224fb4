// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/macro_value.hpp"

#include <array>
#include <cctype>
#include <charconv>

namespace klp::diff {

namespace {

// Terms of one expression, with those of the macros in it: a macro may be made of itself.
constexpr int most_terms = 256;

using Value = std::optional<std::uint64_t>;
using NumberOf = std::function<std::optional<std::int64_t>(std::string_view)>;

struct Operator {
    std::string_view text;
    int precedence;  // higher ones bind closer
};
constexpr std::array<Operator, 8> operators = {
    {{"<<", 4}, {">>", 4}, {"|", 1}, {"^", 2}, {"&", 3}, {"+", 5}, {"-", 5}, {"*", 6}}};

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

class Expression {
public:
    Expression(std::string_view text, const Macros& macros, const NumberOf& number_of, int& terms_left)
        : rest_(text), macros_(macros), number_of_(number_of), terms_left_(terms_left) {}

    Value run() {
        const Value value = binary(0);
        skip_blanks();
        return rest_.empty() ? value : std::nullopt;
    }

private:
    void skip_blanks() {
        while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())) != 0) rest_.remove_prefix(1);
    }

    bool take(std::string_view text) {
        skip_blanks();
        if (!rest_.starts_with(text)) return false;
        rest_.remove_prefix(text.size());
        return true;
    }

    std::string_view take_word() {
        skip_blanks();
        std::size_t size = 0;
        while (size < rest_.size() && is_word(rest_[size])) ++size;
        const std::string_view word = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return word;
    }

    [[nodiscard]] const Operator* next_operator() {
        skip_blanks();
        for (const Operator& each : operators)
            if (rest_.starts_with(each.text)) return &each;
        return nullptr;
    }

    Value binary(int lowest) {
        Value left = unary();
        while (left) {
            const Operator* next = next_operator();
            if (next == nullptr || next->precedence < lowest) break;
            rest_.remove_prefix(next->text.size());
            const Value right = binary(next->precedence + 1);
            left = right ? applied(next->text, *left, *right) : std::nullopt;
        }
        return left;
    }

    static Value applied(std::string_view what, std::uint64_t left, std::uint64_t right) {
        const bool is_shift = what == "<<" || what == ">>";
        if (is_shift && right >= 64) return std::nullopt;
        if (what == "<<") return left << right;
        if (what == ">>") return left >> right;
        if (what == "|") return left | right;
        if (what == "^") return left ^ right;
        if (what == "&") return left & right;
        if (what == "+") return left + right;
        if (what == "-") return left - right;
        return left * right;
    }

    Value unary() {
        if (--terms_left_ < 0) return std::nullopt;
        if (take("-")) {
            const Value value = unary();
            return value ? Value(std::uint64_t{0} - *value) : std::nullopt;
        }
        if (take("~")) {
            const Value value = unary();
            return value ? Value(~*value) : std::nullopt;
        }
        if (take("(")) return closed(binary(0));
        const std::string_view word = take_word();
        if (word.empty()) return std::nullopt;
        return std::isdigit(static_cast<unsigned char>(word.front())) != 0 ? number(word) : named(word);
    }

    Value closed(Value value) { return take(")") ? value : std::nullopt; }

    static Value number(std::string_view word) {
        while (!word.empty() && std::string_view("uUlL").find(word.back()) != std::string_view::npos)
            word.remove_suffix(1);
        int base = 10;
        if (word.starts_with("0x") || word.starts_with("0X")) {
            base = 16;
            word.remove_prefix(2);
        } else if (word.size() > 1 && word.front() == '0') {
            base = 8;
        }
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
        if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
        return value;
    }

    // include/vdso/bits.h
    Value named(std::string_view word) {
        const bool is_bit = word == "BIT" || word == "BIT_ULL";
        if (is_bit && take("(")) {
            const Value bit = closed(binary(0));
            return bit ? applied("<<", 1, *bit) : std::nullopt;
        }
        const auto macro = macros_.find(word);
        if (macro != macros_.end()) return Expression(macro->second, macros_, number_of_, terms_left_).run();
        const auto known = number_of_(word);
        return known ? Value(static_cast<std::uint64_t>(*known)) : std::nullopt;
    }

    std::string_view rest_;
    const Macros& macros_;
    const NumberOf& number_of_;
    int& terms_left_;
};

}  // namespace

std::optional<std::int64_t> macro_value(std::string_view text, const Macros& macros, const NumberOf& number_of) {
    int terms_left = most_terms;
    const Value value = Expression(text, macros, number_of, terms_left).run();
    if (!value) return std::nullopt;
    return static_cast<std::int64_t>(*value);
}

}  // namespace klp::diff
