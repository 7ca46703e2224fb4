// SPDX-License-Identifier: GPL-2.0-or-later
// The guest's user space is one statically linked program.
#pragma once

#include "base/file.hpp"

namespace klp::guest {

// $KLPKIT_BUSYBOX, else `busybox` in PATH. Error: there is none, or it would not run in a guest of that ELF machine
// without anything else.
[[nodiscard]] fs::path find_busybox(std::uint16_t machine);

// Error where the file is not a statically linked 64-bit ELF program for that machine.
void check_static_program(const fs::path& path, std::uint16_t machine);

}  // namespace klp::guest
