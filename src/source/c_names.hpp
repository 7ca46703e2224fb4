// SPDX-License-Identifier: GPL-2.0-or-later
// The names that one declaration of C introduces at file scope.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "source/c_tokens.hpp"

namespace klp::source {

// Of files, words such as __user and __printf(…) stand for attributes; the preprocessor leaves none of them.
enum class CText { file, preprocessed };

// Whether a `{` that follows opens a function's body, not that of a struct, an enum or an initializer.
[[nodiscard]] bool opens_function(const CTokens& declaration, CText text = CText::file);

// nullopt where it is not plain C, or makes code or data in each unit that has it, used or not. More names than
// there are may come out where macros stand for attributes.
[[nodiscard]] std::optional<std::vector<std::string>> declared_names(const CTokens& declaration,
                                                                     CText text = CText::file);

}  // namespace klp::source
