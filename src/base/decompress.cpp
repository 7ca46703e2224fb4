// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/decompress.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <utility>

#include "base/decoder.hpp"
#include "base/process.hpp"
#include "base/progress.hpp"

namespace klp {

namespace {

using namespace std::string_view_literals;

struct Format {
    Compression compression;
    std::string_view name;
    std::string_view magic;
};

// Magic numbers as in the kernel's lib/decompress.c:compressed_formats, but for the lz4 frame, which the kernel
// does not read, and longer where the format fixes more bytes.
constexpr std::array formats{
    Format{Compression::gzip, "gzip", "\x1f\x8b"sv},
    Format{Compression::xz, "xz", "\xfd\x37zXZ\0"sv},
    Format{Compression::zstd, "zstd", "\x28\xb5\x2f\xfd"sv},
    Format{Compression::lz4_legacy, "lz4 (legacy)", "\x02\x21\x4c\x18"sv},
    Format{Compression::lz4_frame, "lz4", "\x04\x22\x4d\x18"sv},
    Format{Compression::bzip2, "bzip2", "BZh"sv},
    Format{Compression::lzma, "lzma", "\x5d\x00\x00"sv},
    Format{Compression::lzo, "lzo", "\x89LZO\0\r\n\x1a\n"sv},
};

void decode(Compression compression, Bytes bytes, decoder::Output& output, const Location& where) {
    switch (compression) {
        case Compression::gzip:
            return decoder::gzip(bytes, output);
        case Compression::xz:
            return decoder::lzma(bytes, output, false);
        case Compression::lzma:
            return decoder::lzma(bytes, output, true);
        case Compression::zstd:
            return decoder::zstd(bytes, output);
        case Compression::lz4_legacy:
            return decoder::lz4_legacy(bytes, output);
        case Compression::lz4_frame:
            return decoder::lz4_frame(bytes, output);
        case Compression::bzip2:
            return decoder::bzip2(bytes, output);
        case Compression::lzo:
            return decoder::lzo(bytes, output, where);
        case Compression::none:
            break;
    }
    const MutableBytes copy = output.room(bytes.size());
    if (copy.size() < bytes.size()) output.over_limit();
    std::copy(bytes.begin(), bytes.end(), copy.begin());
    output.filled(bytes.size());
}

}  // namespace

std::string_view name(Compression compression) noexcept {
    for (const Format& format : formats)
        if (format.compression == compression) return format.name;
    return "none";
}

Compression detect_compression(Bytes bytes) noexcept {
    for (const Format& format : formats)
        if (as_text(bytes).starts_with(format.magic)) return format.compression;
    return Compression::none;
}

std::vector<std::byte> decompress(Compression compression, Bytes bytes, const Location& where, std::size_t size_limit) {
    decoder::Output output(size_limit, where, name(compression));
    decode(compression, bytes, output, where);
    return std::move(output).finish();
}

namespace decoder {

Chunk::Chunk(std::size_t capacity) {
    void* start = ::mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) throw std::bad_alloc();
    memory_ = {static_cast<std::byte*>(start), capacity};
}

Chunk::~Chunk() {
    if (!memory_.empty()) ::munmap(memory_.data(), memory_.size());
}

Chunk::Chunk(Chunk&& other) noexcept : memory_(std::exchange(other.memory_, {})), filled_(other.filled_) {}

Output::Output(std::size_t limit, const Location& where, std::string_view format)
    : limit_(std::min(limit, std::numeric_limits<std::size_t>::max() / 2)), where_(where), format_(format) {}

MutableBytes Output::room(std::size_t wanted) {
    check_interrupted();
    constexpr std::size_t smallest = std::size_t{256} << 10, largest = std::size_t{8} << 20;
    const std::size_t left = limit_ + 1 - size_;
    wanted = std::min(wanted, left);
    if (chunks_.empty() || chunks_.back().free().size() < wanted)
        chunks_.emplace_back(std::min(left, std::max(wanted, std::clamp(size_ / 4, smallest, largest))));
    const MutableBytes free = chunks_.back().free();
    return free.first(std::min(free.size(), left));
}

void Output::filled(std::size_t count) {
    chunks_.back().filled(count);
    size_ += count;
    if (size_ > limit_) over_limit();
}

std::vector<std::byte> Output::finish() && {
    std::vector<std::byte> bytes;
    bytes.reserve(size_);
    for (; !chunks_.empty(); chunks_.pop_front()) {
        const Bytes content = chunks_.front().content();
        bytes.insert(bytes.end(), content.begin(), content.end());
    }
    return bytes;
}

void Output::corrupt(std::string_view detail) const {
    throw Error(where_, fmt::format("corrupt {} data{}{}", format_, detail.empty() ? "" : ": ", detail));
}

void Output::truncated() const {
    throw Error(where_, fmt::format("truncated {} data", format_));
}

void Output::over_limit() const {
    throw Error(where_, fmt::format("{} data expands to more than the limit of {} bytes ({})", format_, limit_,
                                    format_size(limit_)));
}

}  // namespace decoder

}  // namespace klp
