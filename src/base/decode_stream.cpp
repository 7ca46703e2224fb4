// SPDX-License-Identifier: GPL-2.0-or-later
// Formats whose libraries decode a stream.
#include <bzlib.h>
#include <fmt/format.h>
#include <lz4frame.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "base/decoder.hpp"

namespace klp::decoder {

namespace {

// The size of its dictionary is what the stream says. Kernels and modules have up to 128 MiB (scripts/xz_wrap.sh).
constexpr std::uint64_t lzma_memory_limit = std::uint64_t{512} << 20;

// zlib and bzip2 count in unsigned int.
unsigned int clamped(std::size_t size) noexcept {
    return static_cast<unsigned int>(std::min<std::size_t>(size, std::numeric_limits<unsigned int>::max()));
}

}  // namespace

void gzip(Bytes in, Output& out) {
    z_stream stream{};
    // 16: a gzip header is expected.
    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) out.corrupt("no memory");
    const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
    for (int status = Z_OK; status != Z_STREAM_END;) {
        const MutableBytes room = out.room();
        stream.next_in = const_cast<unsigned char*>(uchars(in));
        stream.avail_in = clamped(in.size());
        stream.next_out = uchars(room);
        stream.avail_out = clamped(room.size());
        const unsigned int given_in = stream.avail_in;
        const unsigned int given_out = stream.avail_out;
        status = inflate(&stream, Z_NO_FLUSH);
        if (status == Z_BUF_ERROR) out.truncated();
        if (status != Z_OK && status != Z_STREAM_END) out.corrupt(stream.msg != nullptr ? stream.msg : "");
        in = in.subspan(given_in - stream.avail_in);
        out.filled(given_out - stream.avail_out);
    }
}

void lzma(Bytes in, Output& out, bool alone) {
    lzma_stream stream = LZMA_STREAM_INIT;
    const lzma_ret ready =
        alone ? lzma_alone_decoder(&stream, lzma_memory_limit) : lzma_stream_decoder(&stream, lzma_memory_limit, 0);
    if (ready != LZMA_OK) out.corrupt("no memory");
    const std::unique_ptr<lzma_stream, void (*)(lzma_stream*)> end(&stream, lzma_end);
    stream.next_in = uchars(in);
    stream.avail_in = in.size();
    for (lzma_ret status = LZMA_OK; status != LZMA_STREAM_END;) {
        const MutableBytes room = out.room();
        stream.next_out = uchars(room);
        stream.avail_out = room.size();
        status = lzma_code(&stream, LZMA_RUN);
        if (status == LZMA_BUF_ERROR) out.truncated();
        if (status == LZMA_MEMLIMIT_ERROR)
            out.corrupt(fmt::format("decoding wants more than {} MiB of memory", lzma_memory_limit >> 20));
        if (status != LZMA_OK && status != LZMA_STREAM_END)
            out.corrupt(fmt::format("liblzma status {}", static_cast<int>(status)));
        out.filled(room.size() - stream.avail_out);
    }
}

void zstd(Bytes in, Output& out) {
    const std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(), ZSTD_freeDStream);
    if (!stream) out.corrupt("no memory");
    ZSTD_inBuffer source{in.data(), in.size(), 0};
    for (std::size_t status = 1; status != 0;) {
        const MutableBytes room = out.room();
        ZSTD_outBuffer sink{room.data(), room.size(), 0};
        const std::size_t before = source.pos;
        status = ZSTD_decompressStream(stream.get(), &sink, &source);
        if (ZSTD_isError(status)) out.corrupt(ZSTD_getErrorName(status));
        if (status != 0 && sink.pos == 0 && source.pos == before) out.truncated();
        out.filled(sink.pos);
    }
}

void bzip2(Bytes in, Output& out) {
    bz_stream stream{};
    if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK) out.corrupt("no memory");
    const std::unique_ptr<bz_stream, int (*)(bz_stream*)> end(&stream, BZ2_bzDecompressEnd);
    for (int status = BZ_OK; status != BZ_STREAM_END;) {
        const MutableBytes room = out.room();
        stream.next_in = const_cast<char*>(chars(in));
        stream.avail_in = clamped(in.size());
        stream.next_out = chars(room);
        stream.avail_out = clamped(room.size());
        const unsigned int given_in = stream.avail_in;
        const unsigned int given_out = stream.avail_out;
        status = BZ2_bzDecompress(&stream);
        if (status != BZ_OK && status != BZ_STREAM_END) out.corrupt(fmt::format("libbz2 status {}", status));
        if (status == BZ_OK && stream.avail_in == given_in && stream.avail_out == given_out) out.truncated();
        in = in.subspan(given_in - stream.avail_in);
        out.filled(given_out - stream.avail_out);
    }
}

void lz4_frame(Bytes in, Output& out) {
    LZ4F_dctx* context = nullptr;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) != 0) out.corrupt("no memory");
    const std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)> end(context, LZ4F_freeDecompressionContext);
    for (std::size_t status = 1; status != 0;) {
        const MutableBytes room = out.room();
        std::size_t written = room.size();
        std::size_t consumed = in.size();
        status = LZ4F_decompress(context, room.data(), &written, in.data(), &consumed, nullptr);
        if (LZ4F_isError(status) != 0) out.corrupt(LZ4F_getErrorName(status));
        if (status != 0 && written == 0 && consumed == 0) out.truncated();
        in = in.subspan(consumed);
        out.filled(written);
    }
}

}  // namespace klp::decoder
