// SPDX-License-Identifier: GPL-2.0-or-later
// Boot images: what they say about themselves, and the vmlinux in them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace klp::kernel {

// `uname -r` as a bzImage's header has it, or an uncompressed image; nullopt: an image that does not tell, as where all
// of it is compressed. Error: a truncated bzImage.
[[nodiscard]] std::optional<std::string> release_of_image(Bytes image, const Location& where);
// Of a vmlinux. Error: no kernel.
[[nodiscard]] std::string release_of_vmlinux(Bytes vmlinux, const Location& where);

// The ELF vmlinux out of a boot image (x86 bzImage: Documentation/x86/boot.rst payload_offset), or the bytes
// themselves where they are an ELF file. Error: foreign or truncated image, more than `size_limit` bytes of vmlinux.
[[nodiscard]] std::vector<std::byte> unpack_image(Bytes image, const Location& where,
                                                  std::size_t size_limit = std::size_t{1} << 30);

}  // namespace klp::kernel
