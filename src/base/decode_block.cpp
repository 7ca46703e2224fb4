// SPDX-License-Identifier: GPL-2.0-or-later
// Formats that are a plain sequence of blocks: the legacy lz4 format and the lzop file format, as the kernel
// reads them (lib/decompress_unlz4.c:unlz4, lib/decompress_unlzo.c:parse_header and unlzo).
#include <lz4.h>
#include <lzo/lzo1x.h>

#include <algorithm>

#include "base/decoder.hpp"

namespace klp::decoder {

namespace {

constexpr std::uint32_t lz4_legacy_magic = 0x184c2102;
constexpr std::size_t lz4_block_size = std::size_t{8} << 20;
constexpr std::uint32_t lzo_block_size = 256 * 1024;

// The format has no end mark. Only the last block is short, and what cannot be the length of a block is data
// after the end (the kernel's build appends the uncompressed size: scripts/Makefile.lib:size_append).
bool lz4_at_end(Bytes in, std::uint32_t length, std::size_t last_block, std::size_t written) {
    if (last_block != lz4_block_size) return true;
    if (length == 0 || length > static_cast<std::uint32_t>(LZ4_compressBound(lz4_block_size))) return true;
    return in.size() == 4 && length == written;
}

std::size_t lz4_block(Bytes block, Output& out) {
    const MutableBytes room = out.room(lz4_block_size);
    const auto capacity = static_cast<int>(std::min(room.size(), lz4_block_size));
    const int size = LZ4_decompress_safe(chars(block), chars(room), static_cast<int>(block.size()), capacity);
    if (size < 0) out.corrupt(room.size() < lz4_block_size ? "or larger than the limit" : "");
    out.filled(static_cast<std::size_t>(size));
    return static_cast<std::size_t>(size);
}

void lzo_skip_header(Cursor& in) {
    in.skip(9);  // magic
    const std::uint16_t version = in.u16();
    in.skip(version >= 0x0940 ? 6 : 5);  // library version, version needed, method, from 0.940 on the level
    constexpr std::uint32_t has_filter = 0x800;
    if ((in.u32() & has_filter) != 0) in.skip(4);
    in.skip(version >= 0x0940 ? 12 : 8);  // mode, modification time
    in.skip(in.u8());                     // file name
    in.skip(4);                           // header checksum
}

}  // namespace

void lz4_legacy(Bytes in, Output& out) {
    if (in.size() < 4 || load<std::uint32_t>(in, ByteOrder::little) != lz4_legacy_magic)
        out.corrupt("bad magic number");
    in = in.subspan(4);
    std::size_t last_block = lz4_block_size;
    while (in.size() >= 4) {
        const auto length = load<std::uint32_t>(in, ByteOrder::little);
        if (length == lz4_legacy_magic) {  // two archives one after the other
            last_block = lz4_block_size;
            in = in.subspan(4);
            continue;
        }
        if (lz4_at_end(in, length, last_block, out.size())) return;
        in = in.subspan(4);
        if (length > in.size()) out.truncated();
        last_block = lz4_block(in.first(length), out);
        in = in.subspan(length);
    }
    if (out.size() == 0) out.truncated();
}

void lzo(Bytes bytes, Output& out, const Location& where) {
    Cursor in(bytes, ByteOrder::big, where);
    lzo_skip_header(in);
    // Blocks: size, compressed size, checksum of the content, data. A size of zero is the end.
    while (const std::uint32_t size = in.u32()) {
        const std::uint32_t stored = in.u32();
        in.skip(4);
        if (size > lzo_block_size || stored == 0 || stored > size) out.corrupt("bad block size");
        const Bytes block = in.take(stored);
        const MutableBytes room = out.room(size);
        if (room.size() < size) out.over_limit();
        lzo_uint written = size;
        if (stored == size)
            std::copy(block.begin(), block.end(), room.begin());
        else if (lzo1x_decompress_safe(uchars(block), stored, uchars(room), &written, nullptr) != LZO_E_OK ||
                 written != size)
            out.corrupt();
        out.filled(size);
    }
}

}  // namespace klp::decoder
