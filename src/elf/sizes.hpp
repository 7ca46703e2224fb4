// SPDX-License-Identifier: GPL-2.0-or-later
// Sizes of the records of a 64-bit ELF file, in bytes.
#pragma once

#include <cstdint>

namespace klp::elf {

inline constexpr std::uint64_t file_header_size = 64;
inline constexpr std::uint64_t section_header_size = 64;
inline constexpr std::uint64_t program_header_size = 56;
inline constexpr std::uint64_t symbol_size = 24;
inline constexpr std::uint64_t rela_size = 24;
inline constexpr std::uint64_t word_size = 4;  // entries of GROUP and SYMTAB_SHNDX

}  // namespace klp::elf
