// SPDX-License-Identifier: GPL-2.0-or-later
// What the fuzz targets share: each is one function of bytes, which may throw klp::Error and nothing else.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace klp::fuzz {

// One for each target program.
void run(Bytes input);

[[nodiscard]] inline std::vector<std::byte> copy_of(Bytes bytes) {
    return {bytes.begin(), bytes.end()};
}

// A broken promise, which the fuzzer reports as a crash.
inline void require(bool promise) {
    if (!promise) __builtin_trap();
}

}  // namespace klp::fuzz
