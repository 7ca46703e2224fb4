// SPDX-License-Identifier: GPL-2.0-or-later
// Numbers that macros stand for, as far as that can be told without a compiler.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace klp::diff {

// What macros without parameters stand for, by name.
using Macros = std::map<std::string, std::string, std::less<>>;

// The value of a constant expression of numbers, `BIT(n)`, the operators `| ^ & << >> + - * ~` and names, which
// `macros` has or `number_of` tells. nullopt: it is not one, or too long.
[[nodiscard]] std::optional<std::int64_t> macro_value(
    std::string_view text, const Macros& macros,
    const std::function<std::optional<std::int64_t>(std::string_view)>& number_of);

}  // namespace klp::diff
