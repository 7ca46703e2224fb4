// SPDX-License-Identifier: GPL-2.0-or-later
// What killed processes leave behind: scratch folders and unfinished files. Each is locked (flock) by the process that
// made it, as long as that lives, so that others can tell. Numbers of processes would not do: containers use the same
// ones again and again.
#pragma once

#include "base/descriptor.hpp"
#include "base/file.hpp"

namespace klp {

// Removes those of this user in `folder` that no living process holds. What cannot be removed stays.
void remove_abandoned(const fs::path& folder);

// Removes a folder with all it holds, read-only folders too. False: something is still there.
bool remove_tree(const fs::path& folder) noexcept;

// Opens a fresh folder or file and takes its lock for this process. Empty where another process took it for abandoned
// in the meantime: make another one. Error: it cannot be opened.
[[nodiscard]] Descriptor claim(const fs::path& path);

// The same for one that is open already. False: another process took it.
[[nodiscard]] bool claim(const Descriptor& file, const fs::path& path);

}  // namespace klp
