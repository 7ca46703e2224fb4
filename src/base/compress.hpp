// SPDX-License-Identifier: GPL-2.0-or-later
// Compression of what the program writes itself.
#pragma once

#include <vector>

#include "base/bytes.hpp"

namespace klp {

// One zstd frame with a checksum. The same bytes give the same frame.
[[nodiscard]] std::vector<std::byte> compress_zstd(Bytes bytes);

}  // namespace klp
