// SPDX-License-Identifier: GPL-2.0-or-later
//
// The text, a line each, names last because nothing else has spaces:
//     t KIND SIZE LINE SCOPE NAME          a type; what follows is its own. SCOPE may be `-`
//     d FILE                               that it is declared in
//     f BIT-OFFSET BIT-SIZE NAME TYPE      NAME may be empty
//     v VALUE NAME
//     r INDEX...                           TypeRecord::refers_to
//     s EXTERNAL NAME                      a function; what follows is its own. EXTERNAL is 0 or 1
//     l INDEX...  p INDEX...  o INDEX...   values, parameters, others
//     g INDEX...                           TypeTable::of_variables
//     w NAME                               of TypeTable::placeless
#include "diff/type_table.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/error.hpp"
#include "base/text.hpp"

namespace klp::diff {

namespace {

constexpr std::array<std::string_view, 5> kind_words = {"struct", "union", "enum", "typedef", "variable"};

void append_indices(std::string& text, char letter, const TypeIndices& indices) {
    if (indices.empty()) return;
    text += letter;
    for (const std::uint32_t index : indices) fmt::format_to(std::back_inserter(text), " {}", index);
    text += '\n';
}

void append_type(std::string& text, const TypeRecord& type) {
    const auto out = std::back_inserter(text);
    fmt::format_to(out, "t {} {} {} {} {}\n", kind_words.at(static_cast<std::size_t>(type.kind)), type.size, type.line,
                   type.scope.empty() ? "-" : type.scope, type.name);
    if (!type.file.empty()) fmt::format_to(out, "d {}\n", type.file);
    for (const TypeField& each : type.fields)
        fmt::format_to(out, "f {} {} {} {}\n", each.bit_offset, each.bit_size, each.name, each.type);
    for (const Enumerator& each : type.enumerators) fmt::format_to(out, "v {} {}\n", each.value, each.name);
    append_indices(text, 'r', type.refers_to);
}

// Takes the lines of a text apart.
class TableParser {
public:
    TableParser(std::string_view text, const Location& where) : text_(text), where_(where) {}

    TypeTable run() {
        for (const std::string_view line : lines_of(text_)) {
            rest_ = line;
            parse_line(word());
        }
        check_indices();
        return std::move(table_);
    }

private:
    void parse_line(std::string_view letter) {
        if (letter == "t") {
            parse_type();
        } else if (letter == "d") {
            type().file = rest_;
        } else if (letter == "f") {
            TypeField& field = type().fields.emplace_back();
            field.bit_offset = number<std::uint64_t>();
            field.bit_size = number<std::uint64_t>();
            field.name = word();
            field.type = rest_;
        } else if (letter == "v") {
            Enumerator& made = type().enumerators.emplace_back();
            made.value = number<std::int64_t>();
            made.name = rest_;
        } else if (letter == "r") {
            type().refers_to = indices();
        } else if (letter == "s") {
            TypeUser& made = table_.functions.emplace_back();
            made.is_external = number<unsigned>() != 0;
            made.name = rest_;
        } else if (letter == "l") {
            function().values = indices();
        } else if (letter == "p") {
            function().parameters = indices();
        } else if (letter == "o") {
            function().others = indices();
        } else if (letter == "w") {
            table_.placeless.emplace(rest_);
        } else if (letter == "g") {
            table_.of_variables = indices();
        } else {
            fail();
        }
    }

    void parse_type() {
        TypeRecord& made = table_.types.emplace_back();
        const std::string_view kind = word();
        const auto known = std::ranges::find(kind_words, kind);
        if (known == kind_words.end()) fail();
        made.kind = static_cast<TypeRecord::Kind>(known - kind_words.begin());
        made.size = number<std::uint64_t>();
        made.line = number<std::uint64_t>();
        const std::string_view scope = word();
        if (scope != "-") made.scope = scope;
        made.name = rest_;
    }

    std::string_view word() {
        const std::size_t end = std::min(rest_.find(' '), rest_.size());
        const std::string_view found = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        return found;
    }

    template <typename Number>
    Number number() {
        const std::string_view digits = word();
        Number value = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (error != std::errc{} || end != digits.data() + digits.size()) fail();
        return value;
    }

    TypeIndices indices() {
        TypeIndices found;
        while (!rest_.empty()) found.insert(found.end(), number<std::uint32_t>());
        return found;
    }

    TypeRecord& type() {
        if (table_.types.empty()) fail();
        return table_.types.back();
    }
    TypeUser& function() {
        if (table_.functions.empty()) fail();
        return table_.functions.back();
    }

    void check(const TypeIndices& indices) const {
        if (!indices.empty() && *indices.rbegin() >= table_.types.size()) fail();
    }
    void check_indices() const {
        check(table_.of_variables);
        for (const TypeRecord& each : table_.types) check(each.refers_to);
        for (const TypeUser& each : table_.functions) {
            for (const TypeIndices* indices : {&each.values, &each.parameters, &each.others}) check(*indices);
        }
    }

    [[noreturn]] void fail() const { throw Error(where_, "the table of types is damaged"); }

    std::string_view text_;
    const Location& where_;
    std::string_view rest_;
    TypeTable table_;
};

}  // namespace

std::string TypeRecord::word() const {
    switch (kind) {
        case Kind::structure:
            return "struct " + name;
        case Kind::union_:
            return "union " + name;
        case Kind::enumeration:
            return "enum " + name;
        case Kind::named_anonymous:
        case Kind::variable:
            break;
    }
    return name;
}

std::string TypeRecord::title() const {
    const bool is_anonymous = !enumerators.empty() && enumerators.front().name == name;
    std::string text = is_anonymous             ? fmt::format("enum {{ {}, ... }}", name)
                       : kind == Kind::variable ? "variable " + name
                                                : word();
    return scope.empty() ? text : fmt::format("{} of {}()", text, scope);
}

bool TypeUser::mentions(std::uint32_t type) const {
    return values.contains(type) || parameters.contains(type) || others.contains(type);
}

std::string TypeTable::text() const {
    std::string text;
    for (const TypeRecord& each : types) append_type(text, each);
    for (const TypeUser& each : functions) {
        fmt::format_to(std::back_inserter(text), "s {:d} {}\n", each.is_external, each.name);
        append_indices(text, 'l', each.values);
        append_indices(text, 'p', each.parameters);
        append_indices(text, 'o', each.others);
    }
    append_indices(text, 'g', of_variables);
    for (const std::string& each : placeless) fmt::format_to(std::back_inserter(text), "w {}\n", each);
    return text;
}

TypeTable TypeTable::parse(std::string_view text, const Location& where) {
    return TableParser(text, where).run();
}

}  // namespace klp::diff
