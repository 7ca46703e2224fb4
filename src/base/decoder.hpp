// SPDX-License-Identifier: GPL-2.0-or-later
// What the decoders of the compressed formats share: an output that grows up to a limit, and failures.
#pragma once

#include <cstddef>
#include <deque>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace klp::decoder {

// The C libraries want unsigned char or char.
inline const unsigned char* uchars(Bytes bytes) noexcept {
    const void* start = bytes.data();
    return static_cast<const unsigned char*>(start);
}
inline unsigned char* uchars(MutableBytes bytes) noexcept {
    void* start = bytes.data();
    return static_cast<unsigned char*>(start);
}
inline const char* chars(Bytes bytes) noexcept {
    return as_text(bytes).data();
}
inline char* chars(MutableBytes bytes) noexcept {
    void* start = bytes.data();
    return static_cast<char*>(start);
}

// Memory that goes back to the system as soon as it is not needed, and takes none before it is written to.
class Chunk {
public:
    explicit Chunk(std::size_t capacity);  // std::bad_alloc: there is no such room
    ~Chunk();
    Chunk(Chunk&& other) noexcept;
    Chunk& operator=(Chunk&&) = delete;
    Chunk(const Chunk&) = delete;
    Chunk& operator=(const Chunk&) = delete;

    [[nodiscard]] MutableBytes free() const noexcept { return memory_.subspan(filled_); }
    [[nodiscard]] Bytes content() const noexcept { return memory_.first(filled_); }
    void filled(std::size_t count) noexcept { filled_ += count; }

private:
    MutableBytes memory_;
    std::size_t filled_ = 0;
};

// In chunks: one block that grows would be there twice, each time that it does.
class Output {
public:
    Output(std::size_t limit, const Location& where, std::string_view format);

    // Free space of at least one byte, and of `wanted` bytes as far as the limit allows. One byte beyond the
    // limit is given out, so that a stream of exactly that size can tell its end. Throws Interrupted.
    [[nodiscard]] MutableBytes room(std::size_t wanted = 1);
    void filled(std::size_t count);  // Error: the limit is exceeded
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::vector<std::byte> finish() &&;

    [[noreturn]] void corrupt(std::string_view detail = {}) const;
    [[noreturn]] void truncated() const;
    [[noreturn]] void over_limit() const;

private:
    std::size_t limit_;
    const Location& where_;
    std::string_view format_;
    std::deque<Chunk> chunks_;
    std::size_t size_ = 0;
};

void gzip(Bytes in, Output& out);
void lzma(Bytes in, Output& out, bool alone);  // alone: the .lzma format; else .xz
void zstd(Bytes in, Output& out);
void bzip2(Bytes in, Output& out);
void lz4_frame(Bytes in, Output& out);
void lz4_legacy(Bytes in, Output& out);
void lzo(Bytes in, Output& out, const Location& where);

}  // namespace klp::decoder
