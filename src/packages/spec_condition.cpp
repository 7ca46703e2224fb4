// SPDX-License-Identifier: GPL-2.0-or-later
// rpm: rpmio/expression.c. Numbers and quoted texts; what is not known makes unknown what depends on it.
#include <charconv>
#include <compare>
#include <cstdint>
#include <variant>

#include "packages/spec_macros.hpp"

namespace klp::packages {

namespace {

struct NotKnown {};
using SpecValue = std::variant<NotKnown, std::int64_t, std::string>;

std::optional<bool> truth(const SpecValue& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) return *number != 0;
    if (const auto* text = std::get_if<std::string>(&value)) return !text->empty();
    return std::nullopt;
}

SpecValue of_truth(std::optional<bool> value) {
    if (!value) return NotKnown{};
    return std::int64_t{*value};
}

std::optional<bool> either_of(std::optional<bool> a, std::optional<bool> b) {
    if (a == true || b == true) return true;
    if (a && b) return false;
    return std::nullopt;
}

std::optional<bool> both_of(std::optional<bool> a, std::optional<bool> b) {
    if (a == false || b == false) return false;
    if (a && b) return true;
    return std::nullopt;
}

class ConditionParser {
public:
    explicit ConditionParser(std::string_view text) : text_(text) {}
    std::optional<bool> run() {
        const auto result = truth(any_of());
        skip_blanks();
        return text_.empty() ? result : std::nullopt;
    }

private:
    void skip_blanks() {
        while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\t')) text_.remove_prefix(1);
    }
    bool take(std::string_view token) {
        skip_blanks();
        if (!text_.starts_with(token)) return false;
        text_.remove_prefix(token.size());
        return true;
    }
    SpecValue any_of();
    SpecValue all_of();
    SpecValue comparison();
    SpecValue primary();
    SpecValue word();

    std::string_view text_;
    int depth_ = 0;
};

SpecValue ConditionParser::any_of() {
    SpecValue value = all_of();
    while (take("||")) value = of_truth(either_of(truth(value), truth(all_of())));
    return value;
}

SpecValue ConditionParser::all_of() {
    SpecValue value = comparison();
    while (take("&&")) value = of_truth(both_of(truth(value), truth(comparison())));
    return value;
}

SpecValue ConditionParser::comparison() {
    SpecValue left = primary();
    for (const std::string_view token : {"==", "!=", "<=", ">=", "<", ">"}) {
        if (!take(token)) continue;
        const SpecValue right = primary();
        if (left.index() != right.index() || left.index() == 0) return NotKnown{};
        std::strong_ordering order = std::strong_ordering::equal;
        if (left.index() == 1) {
            order = std::get<std::int64_t>(left) <=> std::get<std::int64_t>(right);
        } else {
            order = std::get<std::string>(left).compare(std::get<std::string>(right)) <=> 0;
        }
        if (token == "==") return of_truth(order == 0);
        if (token == "!=") return of_truth(order != 0);
        if (token == "<=") return of_truth(order <= 0);
        if (token == ">=") return of_truth(order >= 0);
        return of_truth(token == "<" ? order < 0 : order > 0);
    }
    return left;
}

SpecValue ConditionParser::primary() {
    if (++depth_ > 100) return NotKnown{};
    if (take("!")) {
        const auto value = truth(primary());
        return of_truth(value ? std::optional(!*value) : std::nullopt);
    }
    if (take("(")) {
        const SpecValue value = any_of();
        return take(")") ? value : SpecValue(NotKnown{});
    }
    return word();
}

SpecValue ConditionParser::word() {
    if (take("\"")) {
        const std::size_t end = text_.find('"');
        if (end == std::string_view::npos) return NotKnown{};
        const std::string text(text_.substr(0, end));
        text_.remove_prefix(end + 1);
        if (text.find(SpecMacros::unknown) != std::string::npos) return NotKnown{};
        return text;
    }
    skip_blanks();
    const std::size_t end = std::min(text_.find_first_of(" \t()!=<>&|\""), text_.size());
    const std::string_view digits = text_.substr(0, end);
    text_.remove_prefix(end);
    std::int64_t number = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return NotKnown{};
    return number;
}

}  // namespace

std::optional<bool> spec_condition(std::string_view expression) {
    return ConditionParser(expression).run();
}

}  // namespace klp::packages
