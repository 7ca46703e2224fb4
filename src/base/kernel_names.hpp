// SPDX-License-Identifier: GPL-2.0-or-later
// What all parts of the program know of the kernel's names for its objects.
#pragma once

#include <cstddef>
#include <string_view>

namespace klp {

// The object that is always there; every other is a module.
inline constexpr std::string_view vmlinux = "vmlinux";

// MODULE_NAME_LEN of 64-bit kernels (include/linux/moduleparam.h): bytes of a module's name with its final zero. The
// livepatch core reads names of objects of one byte less (kernel/livepatch/core.c:klp_resolve_symbols()).
inline constexpr std::size_t module_name_size = 64 - 8;
inline constexpr std::size_t longest_module_name = module_name_size - 1;

}  // namespace klp
