// SPDX-License-Identifier: GPL-2.0-or-later
// What of a preprocessed unit makes code or data. Most of what headers bring is mentioned by nothing that does, and can
// change without a difference in the object.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/word_index.hpp"

namespace klp::source {

// Of the text that `gcc -E` makes of a C file: its file-scope items, in order, without those that make nothing and that
// no other one of the result mentions. Two texts with the same result are compiled to the same code and data. nullopt:
// the text is not understood.
//
// An item makes nothing if it is a type, a declaration, or a static or inline definition that nothing keeps (C11 6.9;
// GCC's -fkeep-* and -fno-toplevel-reorder must not be given). Words in string literals count as mentioned, since
// assembly and aliases name symbols there.
[[nodiscard]] std::optional<std::string> live_code(std::string_view preprocessed);

// The macros that a preprocessed unit expands, or asks for by #ifdef and the like: the names in the lines that
// `gcc -E -dU` puts into the text. live_code() goes by them.
[[nodiscard]] std::vector<std::string_view> used_macros(std::string_view preprocessed);

// Of the words of live_code(), and of the macros: whoever changes the meaning of other words alone, and neither makes
// nor takes away macros, changes nothing here. Sorted.
[[nodiscard]] std::vector<WordSum> live_words(std::string_view code, std::string_view preprocessed);

// Of the results: those of other versions cannot be compared.
constexpr const char* live_code_version = "1";

}  // namespace klp::source
