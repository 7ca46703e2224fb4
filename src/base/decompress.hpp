// SPDX-License-Identifier: GPL-2.0-or-later
// Decompression of kernel payloads and modules.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace klp {

enum class Compression { none, gzip, xz, zstd, lz4_legacy, lz4_frame, bzip2, lzma, lzo };

[[nodiscard]] std::string_view name(Compression compression) noexcept;

// By magic number (kernel lib/decompress.c: compressed_formats); none where no magic fits.
[[nodiscard]] Compression detect_compression(Bytes bytes) noexcept;

// What no module is larger than, uncompressed and with all its debug information: the memory that one may cost.
inline constexpr std::size_t module_size_limit = std::size_t{512} << 20;

// The decompressed content. Data after the end of the stream is ignored, since kernel images append a size.
// `size_limit` (bytes) guards against bombs; not much more memory than the content needs is taken at any time. Error:
// truncated or corrupt stream, limit reached.
[[nodiscard]] std::vector<std::byte> decompress(Compression compression, Bytes bytes, const Location& where,
                                                std::size_t size_limit = std::size_t{1} << 30);

}  // namespace klp
