// SPDX-License-Identifier: GPL-2.0-or-later
// What a change of a header can touch: the names at file scope whose items differ.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace klp::source {

using NameSet = std::set<std::string, std::less<>>;

struct TouchedNames {
    NameSet names;
    // A macro comes or goes, or is defined under another condition: a word that was none before can be one now, in
    // code that did not matter before.
    bool makes_macros = false;
};

// nullopt: an item that is not plain C has changed, or which headers are included, and so the change can matter to all
// that include the header. No names: it matters to nobody.
[[nodiscard]] std::optional<TouchedNames> touched_names(std::string_view before, std::string_view after);

}  // namespace klp::source
