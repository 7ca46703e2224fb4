// SPDX-License-Identifier: GPL-2.0-or-later
// What every report is made of: JSON as it is printed, columns for people, names that come from files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.hpp"
#include "base/json.hpp"

namespace klp::report {

// Two spaces of indentation and a newline at the end. Bytes that are not UTF-8 (names in a hostile file, output
// of a guest) become U+FFFD.
[[nodiscard]] std::string to_text(const Json& value);

// Control characters as \xNN: a name from a file must not steer the terminal. Newlines and tabs too.
[[nodiscard]] std::string printable(std::string_view text);

// "note", "warning" or "error".
[[nodiscard]] std::string_view word_of(Severity severity);

// Rows under a line of headings, columns as wide as need be, two spaces between; cells are made printable. The
// last column is not padded. `indent` spaces before each row. Nothing for no rows.
class Table {
public:
    explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}
    void add(std::vector<std::string> row);
    [[nodiscard]] std::string text(std::size_t indent = 0) const;

private:
    std::vector<std::string> headings_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace klp::report
