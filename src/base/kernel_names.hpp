// SPDX-License-Identifier: GPL-2.0-or-later
// What all parts of the program know of the kernel's names for its objects.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace klp {

// The object that is always there; every other is a module.
inline constexpr std::string_view vmlinux = "vmlinux";

// MODULE_NAME_LEN of 64-bit kernels (include/linux/moduleparam.h): bytes of a module's name with its final zero. The
// livepatch core reads names of objects of one byte less (kernel/livepatch/core.c:klp_resolve_symbols()).
inline constexpr std::size_t module_name_size = 64 - 8;
inline constexpr std::size_t longest_module_name = module_name_size - 1;

// KSYM_NAME_LEN since 6.1 (include/linux/kallsyms.h; 128 before), with the final zero.
inline constexpr std::size_t symbol_name_size = 512;

// What KBUILD_MODNAME can be: letters, digits and '_', of a length that the kernel can keep. True for "vmlinux", too.
[[nodiscard]] bool is_module_name(std::string_view name) noexcept;
[[nodiscard]] bool is_module_name_character(char c) noexcept;

// '-' as '_', as the kernel and modprobe take them for the same (kernel scripts/Makefile.lib:name-fix, modpost).
[[nodiscard]] std::string with_underscores(std::string_view name);
// FILE.ko, compressed or not.
[[nodiscard]] bool is_module_file(std::string_view path) noexcept;
// The same with no folder and no .ko[.xz|.zst|.gz]: what the kernel calls the module.
[[nodiscard]] std::string module_name_of_path(std::string_view path);

// Values of a key in the content of .modinfo, in order (kernel/module/main.c:get_next_modinfo()).
[[nodiscard]] std::vector<std::string_view> modinfo_values(std::string_view content, std::string_view key);

}  // namespace klp
