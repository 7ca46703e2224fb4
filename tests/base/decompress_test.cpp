// SPDX-License-Identifier: GPL-2.0-or-later
// Each format is made by its own library, then read, cut short and damaged.
#include "base/decompress.hpp"

#include <bzlib.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <ostream>
#include <string>

using testing::HasSubstr;

namespace klp {
namespace {

using Text = std::string;

unsigned char* uchars(Text& text) {
    void* start = text.data();
    return static_cast<unsigned char*>(start);
}

void append(Text& to, std::uint32_t value, ByteOrder order) {
    std::array<std::byte, 4> bytes{};
    store(bytes, value, order);
    to += as_text(bytes);
}

Text make_gzip(Text plain) {
    Text out(2 * plain.size() + 1000, '\0');
    z_stream stream{};
    deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    stream.next_in = uchars(plain);
    stream.avail_in = static_cast<unsigned>(plain.size());
    stream.next_out = uchars(out);
    stream.avail_out = static_cast<unsigned>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

Text make_lzma(Text plain, bool alone) {
    Text out(2 * plain.size() + 1000, '\0');
    lzma_stream stream = LZMA_STREAM_INIT;
    lzma_options_lzma options{};
    lzma_lzma_preset(&options, 6);
    lzma_options_bcj no_offset{};
    // As the kernel's scripts/xz_wrap.sh on x86.
    const lzma_filter filters[] = {
        {LZMA_FILTER_X86, &no_offset}, {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
    const lzma_ret ready =
        alone ? lzma_alone_encoder(&stream, &options) : lzma_stream_encoder(&stream, filters, LZMA_CHECK_CRC32);
    EXPECT_EQ(ready, LZMA_OK);
    stream.next_in = uchars(plain);
    stream.avail_in = plain.size();
    stream.next_out = uchars(out);
    stream.avail_out = out.size();
    EXPECT_EQ(lzma_code(&stream, LZMA_FINISH), LZMA_STREAM_END);
    out.resize(stream.total_out);
    lzma_end(&stream);
    return out;
}

Text make_zstd(Text plain) {
    Text out(ZSTD_compressBound(plain.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 19));
    return out;
}

Text make_bzip2(Text plain) {
    Text out(2 * plain.size() + 1000, '\0');
    unsigned size = static_cast<unsigned>(out.size());
    BZ2_bzBuffToBuffCompress(out.data(), &size, plain.data(), static_cast<unsigned>(plain.size()), 9, 0, 0);
    out.resize(size);
    return out;
}

Text make_lz4_frame(Text plain) {
    Text out(LZ4F_compressFrameBound(plain.size(), nullptr), '\0');
    out.resize(LZ4F_compressFrame(out.data(), out.size(), plain.data(), plain.size(), nullptr));
    return out;
}

Text make_lz4_legacy(Text plain) {
    Text out;
    append(out, 0x184c2102, ByteOrder::little);
    constexpr std::size_t block_size = 8 << 20;
    for (std::size_t at = 0; at < plain.size(); at += block_size) {
        const auto size = static_cast<int>(std::min(block_size, plain.size() - at));
        Text block(static_cast<std::size_t>(LZ4_compressBound(size)), '\0');
        block.resize(static_cast<std::size_t>(
            LZ4_compress_default(plain.data() + at, block.data(), size, static_cast<int>(block.size()))));
        append(out, static_cast<std::uint32_t>(block.size()), ByteOrder::little);
        out += block;
    }
    return out;
}

// The file format of lzop 1.04, checksums left at zero.
Text make_lzo(Text plain) {
    Text out("\x89LZO\0\r\n\x1a\n\x10\x40\x20\xa0\x09\x40\x03\x09", 17);
    append(out, 0, ByteOrder::big);                               // flags
    out += Text(12, '\0') + Text(1, 4) + "name" + Text(4, '\0');  // mode, times; file name; checksum
    constexpr std::size_t block_size = 256 * 1024;
    std::vector<char> work(LZO1X_1_MEM_COMPRESS);
    for (std::size_t at = 0; at < plain.size(); at += block_size) {
        Text source = plain.substr(at, block_size);
        Text block(source.size() + source.size() / 16 + 100, '\0');
        lzo_uint size = 0;
        lzo1x_1_compress(uchars(source), source.size(), uchars(block), &size, work.data());
        block.resize(size);
        if (size >= source.size()) block = source;  // stored
        append(out, static_cast<std::uint32_t>(source.size()), ByteOrder::big);
        append(out, static_cast<std::uint32_t>(block.size()), ByteOrder::big);
        append(out, 0, ByteOrder::big);
        out += block;
    }
    append(out, 0, ByteOrder::big);
    return out;
}

struct Case {
    Compression compression;
    std::function<Text(Text)> make;
};

void PrintTo(const Case& format, std::ostream* out) {
    *out << name(format.compression);
}

class EachFormat : public testing::TestWithParam<Case> {
protected:
    [[nodiscard]] Text decompressed(const Text& packed, std::size_t limit = std::size_t{1} << 30) const {
        const std::vector<std::byte> bytes =
            decompress(GetParam().compression, as_bytes(packed), {"in", {}, {}}, limit);
        return Text(as_text(bytes));
    }
    [[nodiscard]] std::string error_of(const Text& packed, std::size_t limit = std::size_t{1} << 30) const {
        try {
            (void)decompressed(packed, limit);
        } catch (const Error& error) {
            return error.what();
        }
        return "no error";
    }
    // Text that packs well, then bytes that do not pack at all.
    static Text sample(std::size_t words, std::size_t noise) {
        Text text;
        for (std::size_t i = 0; i < words; ++i) text += "function " + std::to_string(i % 977) + "\n";
        std::uint32_t state = 1;
        for (std::size_t i = 0; i < noise; ++i) text += static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
        return text;
    }
};

TEST_P(EachFormat, IsDetectedAndReadBack) {
    for (const Text& plain : {sample(100'000, 0), sample(10, 600'000), sample(1, 0)}) {
        const Text packed = GetParam().make(plain);
        EXPECT_EQ(detect_compression(as_bytes(packed)), GetParam().compression);
        EXPECT_TRUE(decompressed(packed) == plain);
    }
}

TEST_P(EachFormat, IgnoresTheSizeThatKernelImagesAppend) {
    const Text plain = sample(5000, 100);
    Text packed = GetParam().make(plain);
    append(packed, static_cast<std::uint32_t>(plain.size()), ByteOrder::little);
    EXPECT_TRUE(decompressed(packed) == plain);
    EXPECT_TRUE(decompressed(packed + Text(100, '\0')) == plain);
}

TEST_P(EachFormat, TruncationIsAnError) {
    const Text packed = GetParam().make(sample(60, 20));
    for (std::size_t size = 0; size < packed.size(); ++size)
        EXPECT_NE(error_of(packed.substr(0, size)), "no error") << "cut at " << size;
}

TEST_P(EachFormat, DamageNeverCrashes) {
    const Text packed = GetParam().make(sample(60, 20));
    for (std::size_t at = 0; at < packed.size(); ++at) {
        Text damaged = packed;
        damaged[at] = static_cast<char>(~damaged[at]);
        (void)error_of(damaged, 1 << 20);
    }
}

TEST_P(EachFormat, TheLimitIsTheLargestSizeAllowed) {
    const Text plain = sample(5000, 100);
    const Text packed = GetParam().make(plain);
    EXPECT_EQ(error_of(packed, plain.size()), "no error");
    EXPECT_THAT(error_of(packed, plain.size() - 1), HasSubstr("limit"));
    EXPECT_THAT(error_of(packed, 0), HasSubstr("limit"));
}

INSTANTIATE_TEST_SUITE_P(
    Decompress, EachFormat,
    testing::Values(Case{Compression::gzip, make_gzip},
                    Case{Compression::xz, [](const Text& plain) { return make_lzma(plain, false); }},
                    Case{Compression::lzma, [](const Text& plain) { return make_lzma(plain, true); }},
                    Case{Compression::zstd, make_zstd}, Case{Compression::bzip2, make_bzip2},
                    Case{Compression::lz4_frame, make_lz4_frame}, Case{Compression::lz4_legacy, make_lz4_legacy},
                    Case{Compression::lzo, make_lzo}),
    [](const auto& parameter) {
        std::string word(name(parameter.param.compression));
        std::erase_if(word, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
        return word;
    });

TEST(Decompress, PlainBytesPassThrough) {
    EXPECT_EQ(detect_compression(as_bytes("\x7f"
                                          "ELF")),
              Compression::none);
    EXPECT_EQ(detect_compression({}), Compression::none);
    EXPECT_EQ(as_text(decompress(Compression::none, as_bytes("plain"), {})), "plain");
    EXPECT_THROW((void)decompress(Compression::none, as_bytes("plain"), {}, 4), Error);
}

// Fourteen bytes that made liblzma ask for 2.6 GB.
TEST(Decompress, LzmaDictionariesHaveALimit) {
    const Text text("\x5d\0\0\x89\xa7\x9f\x50\x60\xb2\xbb\x5d\x3b\0\0", 14);
    try {
        (void)decompress(Compression::lzma, as_bytes(text), {"image", {}, {}});
        ADD_FAILURE() << "it has been decoded";
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("decoding wants more than 512 MiB of memory"));
    }
}

TEST(Decompress, LzoBlocksHaveTheSizesOfTheFormat) {
    constexpr std::uint32_t largest = 256 * 1024;
    const auto decoded = [](std::uint32_t size, std::uint32_t stored) {
        Text packed = make_lzo("");
        packed.resize(packed.size() - 4);  // the end mark
        append(packed, size, ByteOrder::big);
        append(packed, stored, ByteOrder::big);
        append(packed, 0, ByteOrder::big);
        packed += Text(stored, 'x') + Text(4, '\0');
        return decompress(Compression::lzo, as_bytes(packed), {"image", {}, {}}).size();
    };
    EXPECT_EQ(decoded(largest, largest), largest);
    const std::array<std::pair<std::uint32_t, std::uint32_t>, 3> bad{{{largest + 1, largest + 1}, {4, 0}, {4, 5}}};
    for (const auto& [size, stored] : bad)
        EXPECT_THAT([&] { (void)decoded(size, stored); }, testing::ThrowsMessage<Error>(HasSubstr("bad block size")))
            << size << " " << stored;
}

TEST(Decompress, LegacyLz4OfWholeBlocksEndsBeforeTheAppendedSize) {
    const Text plain(8 << 20, 'x');
    Text packed = make_lz4_legacy(plain);
    append(packed, static_cast<std::uint32_t>(plain.size()), ByteOrder::little);
    EXPECT_EQ(decompress(Compression::lz4_legacy, as_bytes(packed), {}).size(), plain.size());
    // Two blocks: the second is not the end of the first.
    EXPECT_EQ(decompress(Compression::lz4_legacy, as_bytes(make_lz4_legacy(plain + "more")), {}).size(),
              plain.size() + 4);
}

}  // namespace
}  // namespace klp
