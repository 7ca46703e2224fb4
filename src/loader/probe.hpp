// SPDX-License-Identifier: GPL-2.0-or-later
// Questions to a kernel's image.
#pragma once

#include <string_view>

#include "kernel/kernel.hpp"

namespace klp::loader {

// Whether the image's constant data has the text: the format of a message tells which form the code has.
[[nodiscard]] bool has_text(const kernel::Kernel& kernel, std::string_view text);

}  // namespace klp::loader
