// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/content_stream.hpp"

#include <archive.h>
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

#include "base/decoder.hpp"
#include "base/decompress.hpp"
#include "base/error.hpp"

namespace klp::packages {

namespace {

constexpr std::size_t piece_size = 256 << 10;
constexpr std::size_t most_at_once = std::size_t{1} << 30;  // zlib counts in unsigned int

}  // namespace

void ArchiveCloser::operator()(archive* reader) const noexcept {
    archive_read_free(reader);
}

void ContentStream::InflateEnd::operator()(z_stream_s* stream) const noexcept {
    inflateEnd(stream);
    delete stream;
}

ContentStream::ContentStream(Bytes bytes, Location where) : where_(std::move(where)), rest_(bytes) {
    if (detect_compression(bytes) == Compression::gzip) {
        inflate_.reset(new z_stream_s{});
        // 16: a gzip header is expected.
        if (inflateInit2(inflate_.get(), 16 + MAX_WBITS) != Z_OK)
            throw Error(where_, "no memory to inflate an archive");
        inflated_.resize(piece_size);
        return;
    }
    other_.reset(archive_read_new());
    if (!other_) throw Error(where_, "no memory to read an archive");
    for (const auto support :
         {archive_read_support_filter_bzip2, archive_read_support_filter_xz, archive_read_support_filter_lzma,
          archive_read_support_filter_zstd, archive_read_support_format_raw, archive_read_support_format_empty})
        if (support(other_.get()) < ARCHIVE_WARN) fail(archive_error_string(other_.get()));
    archive_entry* whole = nullptr;
    if (archive_read_open_memory(other_.get(), bytes.data(), bytes.size()) < ARCHIVE_WARN) fail("it cannot be opened");
    const int status = archive_read_next_header(other_.get(), &whole);
    at_end_ = status == ARCHIVE_EOF;
    if (status < ARCHIVE_WARN) fail(archive_error_string(other_.get()));
}

ContentStream::~ContentStream() = default;

void ContentStream::fail(std::string_view why) const {
    throw Error(where_, fmt::format("the archive in it is cut short or damaged: {}", why));
}

Bytes ContentStream::next() {
    if (at_end_) return {};
    if (inflate_) return next_inflated();
    const void* piece = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    int status = ARCHIVE_OK;
    while (size == 0 && status >= ARCHIVE_WARN && status != ARCHIVE_EOF)
        status = archive_read_data_block(other_.get(), &piece, &size, &offset);
    if (status < ARCHIVE_WARN) {
        const char* reason = archive_error_string(other_.get());
        fail(reason == nullptr ? "no reason given" : reason);
    }
    at_end_ = status == ARCHIVE_EOF;
    return at_end_ ? Bytes() : Bytes(static_cast<const std::byte*>(piece), size);
}

Bytes ContentStream::next_inflated() {
    z_stream_s& stream = *inflate_;
    stream.next_out = decoder::uchars(MutableBytes(inflated_));
    stream.avail_out = static_cast<unsigned int>(inflated_.size());
    while (stream.avail_out == inflated_.size()) {
        const auto given = static_cast<unsigned int>(std::min(rest_.size(), most_at_once));
        stream.next_in = const_cast<unsigned char*>(decoder::uchars(rest_));
        stream.avail_in = given;
        const int status = inflate(&stream, Z_NO_FLUSH);
        rest_ = rest_.subspan(given - stream.avail_in);
        if (status == Z_BUF_ERROR) fail("truncated gzip data");
        if (status != Z_OK && status != Z_STREAM_END) fail(stream.msg == nullptr ? "corrupt gzip data" : stream.msg);
        if (status != Z_STREAM_END) continue;
        at_end_ = rest_.empty();
        if (at_end_) break;
        next_gzip_member();
    }
    return Bytes(inflated_).first(inflated_.size() - stream.avail_out);
}

// Several of them are one file (gzip(1)).
void ContentStream::next_gzip_member() {
    if (detect_compression(rest_) != Compression::gzip) fail("more bytes after gzip data");
    if (inflateReset(inflate_.get()) != Z_OK) fail("no memory");
}

}  // namespace klp::packages
