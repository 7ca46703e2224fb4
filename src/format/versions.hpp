// SPDX-License-Identifier: GPL-2.0-or-later
// CRCs of the symbols that a module imports: __versions, and the two sections that kernels since 6.14 take beside it or
// in its place.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/kernel_names.hpp"

namespace klp::format {

inline constexpr std::string_view versions_section = "__versions";
inline constexpr std::string_view extended_crcs_section = "__version_ext_crcs";
inline constexpr std::string_view extended_names_section = "__version_ext_names";

// include/linux/module.h: struct modversion_info { unsigned long crc; char name[MODULE_NAME_LEN]; }
inline constexpr std::uint64_t version_crc_size = 8;
inline constexpr std::uint64_t version_size = version_crc_size + module_name_size;

struct Version {
    std::uint64_t crc = 0;
    std::string_view name;     // in the section that was read
    std::uint64_t offset = 0;  // of its entry, or CRC
};

// Whole entries; bytes behind the last one are left out.
[[nodiscard]] std::vector<Version> read_versions(Bytes section, ByteOrder order);
// Names of any length, one behind the other, and CRCs of 4 bytes in the same order (kernel/module/version.c:
// modversion_ext_start()). What only one of both has is left out.
[[nodiscard]] std::vector<Version> read_extended_versions(Bytes crcs, Bytes names, ByteOrder order);

// Precondition: names shorter than module_name_size.
[[nodiscard]] std::vector<std::byte> make_versions(std::span<const Version> versions, ByteOrder order);
struct ExtendedVersions {
    std::vector<std::byte> crcs, names;
};
[[nodiscard]] ExtendedVersions make_extended_versions(std::span<const Version> versions, ByteOrder order);

}  // namespace klp::format
