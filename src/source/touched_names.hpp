// SPDX-License-Identifier: GPL-2.0-or-later
// What a change of a header can touch: the names at file scope whose items differ.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace klp::source {

using NameSet = std::set<std::string, std::less<>>;

// nullopt: an item that is not plain C has changed, or which headers are included, and so the change can matter to all
// that include the header. Empty: it matters to nobody.
[[nodiscard]] std::optional<NameSet> touched_names(std::string_view before, std::string_view after);

}  // namespace klp::source
