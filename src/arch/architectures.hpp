// SPDX-License-Identifier: GPL-2.0-or-later
// The list of architectures, inside this library. A new one is a file with its class, a function here, and an
// entry in arch.cpp.
#pragma once

#include "arch/arch.hpp"

namespace klp::arch {

[[nodiscard]] const Arch& x86_64();
[[nodiscard]] const Arch& ppc64le();
[[nodiscard]] const Arch& s390x();
[[nodiscard]] const Arch& arm64();

}  // namespace klp::arch
