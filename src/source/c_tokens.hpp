// SPDX-License-Identifier: GPL-2.0-or-later
// C source in pieces: lines without comments, and tokens.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace klp::source {

// The logical lines of a source: continued ones are joined, a comment or a run of blanks is one blank, none at the
// ends.
[[nodiscard]] std::vector<std::string> code_lines(std::string_view source);

// A word (identifier or number), a literal, or one character of anything else. The texts belong to what was split.
using CTokens = std::vector<std::string_view>;
[[nodiscard]] CTokens c_tokens(std::string_view code);

[[nodiscard]] bool is_c_identifier(std::string_view token);
// The index behind the bracket that closes the one at `open`; tokens.size() where none does.
[[nodiscard]] std::size_t behind_group(const CTokens& tokens, std::size_t open);

// `#define` in pieces; none of them where the line is no definition.
struct CMacro {
    std::string_view name;
    bool has_parameters = false;
    CTokens parameters;  // "__VA_ARGS__" for an unnamed rest
    CTokens body;
};
[[nodiscard]] CMacro parse_definition(std::string_view code_line);

}  // namespace klp::source
