// SPDX-License-Identifier: GPL-2.0-or-later
// What a compressed archive is made of, piece by piece and to the end: a reader of archives stops at the last entry,
// and the checksum of what it has read comes behind that.
#pragma once

#include <exception>
#include <memory>
#include <vector>

#include "base/bytes.hpp"

struct archive;
struct z_stream_s;

namespace klp::packages {

struct ArchiveCloser {
    void operator()(archive* reader) const noexcept;
};
using ArchiveHandle = std::unique_ptr<archive, ArchiveCloser>;

class ContentStream {
public:
    // gzip, bzip2, xz, lzma, zstd, or not compressed. `bytes` must live as long as the stream. Error: no memory.
    ContentStream(Bytes bytes, Location where);
    ~ContentStream();
    ContentStream(const ContentStream&) = delete;
    ContentStream& operator=(const ContentStream&) = delete;

    // Until the next call; empty at the end. Error: cut short or corrupt, a checksum that does not fit.
    [[nodiscard]] Bytes next();

    // Of next(), called from where nothing can be thrown.
    void keep_failure(std::exception_ptr failure) noexcept { failure_ = std::move(failure); }
    void throw_failure() const {
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    struct InflateEnd {
        void operator()(z_stream_s* stream) const noexcept;
    };
    [[nodiscard]] Bytes next_inflated();
    void next_gzip_member();
    [[noreturn]] void fail(std::string_view why) const;

    Location where_;
    Bytes rest_;  // of gzip data
    bool at_end_ = false;
    std::unique_ptr<z_stream_s, InflateEnd> inflate_;  // libarchive does not look at gzip's checksums
    std::vector<std::byte> inflated_;
    ArchiveHandle other_;
    std::exception_ptr failure_;
};

}  // namespace klp::packages
