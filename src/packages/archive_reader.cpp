// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/archive_reader.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>

#include "base/process.hpp"
#include "base/progress.hpp"

namespace klp::packages {

namespace {

constexpr std::size_t most_padding = std::size_t{16} << 20;  // tar's blocks have 10 KiB where nobody asks for others

// Of those two forms of a string in an archive, the second is there where the locale cannot express it.
std::string either(const char* locale, const char* utf8) {
    if (locale != nullptr) return locale;
    return utf8 == nullptr ? "" : utf8;
}

ArchiveEntry::Kind kind_of(archive_entry* entry) {
    if (archive_entry_hardlink(entry) != nullptr || archive_entry_hardlink_utf8(entry) != nullptr)
        return ArchiveEntry::Kind::hard_link;
    switch (archive_entry_filetype(entry)) {
        case AE_IFREG:
            return ArchiveEntry::Kind::file;
        case AE_IFDIR:
            return ArchiveEntry::Kind::folder;
        case AE_IFLNK:
            return ArchiveEntry::Kind::symlink;
        default:
            return ArchiveEntry::Kind::device;
    }
}

// For libarchive, which is C: what was thrown waits in the stream.
la_ssize_t give_content(archive* reader, void* stream, const void** buffer) {
    try {
        const Bytes piece = static_cast<ContentStream*>(stream)->next();
        *buffer = piece.data();
        return static_cast<la_ssize_t>(piece.size());
    } catch (...) {
        static_cast<ContentStream*>(stream)->keep_failure(std::current_exception());
        archive_set_error(reader, EIO, "its content cannot be read");
        return -1;
    }
}

}  // namespace

ArchiveReader::ArchiveReader(Bytes bytes, Location where)
    : where_(where), content_(bytes, std::move(where)), archive_(archive_read_new()) {
    if (!archive_) throw Error(where_, "no memory to read an archive");
    check(archive_read_support_format_tar(archive_.get()));
    check(archive_read_support_format_cpio(archive_.get()));
    check(archive_read_open(archive_.get(), &content_, nullptr, give_content, nullptr));
}

ArchiveReader::~ArchiveReader() = default;

// Warnings are of names and attributes that nobody here asks for.
void ArchiveReader::check(int status) const {
    if (status >= ARCHIVE_WARN) return;
    content_.throw_failure();
    const char* reason = archive_error_string(archive_.get());
    fail(reason == nullptr ? "no reason given" : reason);
}

void ArchiveReader::fail(std::string_view message) const {
    throw Error(where_, fmt::format("the archive in it is cut short or damaged: {}", message));
}

std::optional<ArchiveEntry> ArchiveReader::next() {
    check_interrupted();
    const int status = archive_read_next_header(archive_.get(), &entry_);
    if (status == ARCHIVE_EOF) {
        read_to_end();
        return std::nullopt;
    }
    check(status);
    ArchiveEntry entry{.kind = kind_of(entry_),
                       .path = either(archive_entry_pathname(entry_), archive_entry_pathname_utf8(entry_)),
                       .target = {},
                       .executable = (archive_entry_perm(entry_) & 0100U) != 0,
                       .modified = archive_entry_mtime(entry_)};
    if (entry.path.empty()) fail("an entry has no name");
    if (entry.kind == ArchiveEntry::Kind::hard_link)
        entry.target = either(archive_entry_hardlink(entry_), archive_entry_hardlink_utf8(entry_));
    if (entry.kind == ArchiveEntry::Kind::symlink)
        entry.target = either(archive_entry_symlink(entry_), archive_entry_symlink_utf8(entry_));
    if (archive_entry_size_is_set(entry_) != 0 && archive_entry_size(entry_) > 0)
        entry.size = static_cast<std::uint64_t>(archive_entry_size(entry_));
    return entry;
}

// What fills the last block follows.
void ArchiveReader::read_to_end() {
    std::size_t size = 0;
    for (Bytes piece = content_.next(); !piece.empty(); piece = content_.next()) {
        check_interrupted();
        size += piece.size();
        if (size > most_padding) fail(fmt::format("more than {} behind its end", format_size(most_padding)));
    }
}

std::size_t ArchiveReader::read(MutableBytes buffer) {
    check_interrupted();
    const auto count = archive_read_data(archive_.get(), buffer.data(), buffer.size());
    if (count < 0) check(ARCHIVE_FATAL);
    return static_cast<std::size_t>(count);
}

std::string ArchiveReader::read_all(std::size_t limit) {
    std::string text;
    std::array<std::byte, 16384> buffer{};
    while (const std::size_t count = read(buffer)) {
        if (text.size() + count > limit) fail(fmt::format("a file of more than {} bytes", limit));
        text += as_text(Bytes(buffer).first(count));
    }
    return text;
}

}  // namespace klp::packages
