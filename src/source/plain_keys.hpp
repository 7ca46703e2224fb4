// SPDX-License-Identifier: GPL-2.0-or-later
// Compiling a unit so that it reads static keys where it would have branches that the kernel patches.
#pragma once

#include <set>
#include <string>

#include "base/file.hpp"

namespace klp::source {

// Names of keys as the source has them: a variable, or __tracepoint_NAME.
using KeyNames = std::set<std::string, std::less<>>;

// Writes linux/jump_label.h below the folder, which is to be the first that the compiler looks in: the kernel's own,
// with branches on those keys redefined. The outcome is that of the patched branch: kernel/jump_label.c:
// static_key_count() is what jump_label_type() decides by.
void write_plain_keys(const fs::path& folder, const KeyNames& keys);

}  // namespace klp::source
