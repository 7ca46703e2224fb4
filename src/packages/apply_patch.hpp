// SPDX-License-Identifier: GPL-2.0-or-later
// Patches that distributions apply to a source, by patch(1), as their builds do.
#pragma once

#include <string>

#include "base/file.hpp"

namespace klp::packages {

struct PatchOptions {
    unsigned strip = 1;    // folders left out of each name: -p
    bool reverse = false;  // it is taken back
    bool exact = false;    // every line of context has to be there; otherwise patch(1) allows for two others
};

// Error: this machine has no program 'patch'.
void check_patch_program();

// What is in the file, unpacked where it is compressed.
[[nodiscard]] std::string text_of_patch(const fs::path& path);

// Applies a patch to the tree in `folder`. Empty where it is done, otherwise what patch(1) says; the tree is then
// neither as it was nor as it should be.
[[nodiscard]] std::string apply_patch(const std::string& text, const fs::path& folder, const PatchOptions& options);

}  // namespace klp::packages
