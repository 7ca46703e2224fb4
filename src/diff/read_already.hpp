// SPDX-License-Identifier: GPL-2.0-or-later
// What a patch changes in code and tables that the kernel has run and read: where nothing but that gets lost.
#pragma once

#include <optional>
#include <string_view>

#include "diff/changes.hpp"

namespace klp::diff {

// What it means that an entry of the table is not in the livepatch; nullopt where more depends on it.
[[nodiscard]] std::optional<std::string_view> harm_of_leaving_out(std::string_view section);

// Init code has used the constants that it was compiled with, and exit code will: the livepatch changes them for the
// rest. Everything else about such code is a change that gets lost, as are constants that nothing else uses.
[[nodiscard]] bool differs_in_constants_alone(const Changes& changes, const Piece& patched);

}  // namespace klp::diff
