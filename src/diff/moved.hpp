// SPDX-License-Identifier: GPL-2.0-or-later
// What stays where the kernel has it, whatever the patch says, and sections of which nothing is carried.
#pragma once

#include <functional>
#include <string>

#include "diff/changes.hpp"

namespace klp::diff {

using Note = std::function<void(Location, std::string)>;

// Functions and variables that go to another section or become weak; sections that are read by tools nobody knows.
void note_what_moves(const Changes& changes, const Note& note);

}  // namespace klp::diff
