// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "base/file.hpp"

namespace klp::packages {

// Moves what is below `from` to `to`, into the folders that are there. Of files that are in both, that of `to` stays.
// Both are on one file system, and nobody else's.
void merge_tree(const fs::path& from, const fs::path& to);

}  // namespace klp::packages
