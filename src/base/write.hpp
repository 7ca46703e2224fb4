// SPDX-License-Identifier: GPL-2.0-or-later
// Writing to open files of any kind: files, pipes, terminals.
#pragma once

#include "base/bytes.hpp"

namespace klp {

// Writes everything; 0, or the error number of the write that failed. Waits for a slow reader, but not without an ear
// for interruption: throws Interrupted.
[[nodiscard]] int write_all(int descriptor, Bytes bytes);

}  // namespace klp
