// SPDX-License-Identifier: GPL-2.0-or-later
// What boot images say about themselves. (unpack_image is in catalogue.hpp.)
#pragma once

#include <string>

#include "base/bytes.hpp"

namespace klp::kernel {

// `uname -r` of a bzImage (its header has it uncompressed) or of a vmlinux. Error: no kernel.
[[nodiscard]] std::string release_of_image(Bytes image, const Location& where);
[[nodiscard]] std::string release_of_vmlinux(Bytes vmlinux, const Location& where);

}  // namespace klp::kernel
