// SPDX-License-Identifier: GPL-2.0-or-later
// Lines, fields and words of text files.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace klp {

// Without their line ends; a last line needs none.
[[nodiscard]] std::vector<std::string_view> lines_of(std::string_view text);

// Each with its newline; the last one may lack it. Empty text has no lines.
[[nodiscard]] std::vector<std::string_view> lines_with_ends(std::string_view text);
[[nodiscard]] std::string_view without_newline(std::string_view line);

// The fields between single separators; empty fields are kept.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

// Up to the first zero byte; all of it where there is none.
[[nodiscard]] std::string_view c_string(std::string_view text);
// The same; nullopt where there is none.
[[nodiscard]] std::optional<std::string_view> terminated_string(std::string_view text);
// The strings between zero bytes that are not empty; the last one may end with the text.
[[nodiscard]] std::vector<std::string_view> c_strings(std::string_view text);

// Without spaces and tabs at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

// Orders releases by the numbers in them: 6.1.0-9-amd64 before 6.1.0-56-amd64.
[[nodiscard]] bool version_less(std::string_view a, std::string_view b);

}  // namespace klp
