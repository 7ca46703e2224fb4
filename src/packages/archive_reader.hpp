// SPDX-License-Identifier: GPL-2.0-or-later
// What is in tar and cpio archives, entry by entry, whatever compresses them (libarchive).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "packages/content_stream.hpp"

struct archive_entry;

namespace klp::packages {

struct ArchiveEntry {
    enum class Kind { file, folder, symlink, hard_link, device };
    Kind kind = Kind::file;
    std::string path;           // as the archive has it: "./usr/src/x", "/etc/x", "../x"
    std::string target;         // of links
    std::uint64_t size = 0;     // bytes of content, as the header says; of hard links in cpio archives it may be theirs
    bool executable = false;    // by its owner
    std::int64_t modified = 0;  // seconds since 1970
};

class ArchiveReader {
public:
    // `bytes` must live as long as the reader; `where` names them in messages. Error: no archive.
    ArchiveReader(Bytes bytes, Location where);
    ~ArchiveReader();
    ArchiveReader(const ArchiveReader&) = delete;
    ArchiveReader& operator=(const ArchiveReader&) = delete;

    // nullopt at the end of the archive, and of what it is compressed in: all checksums fit. Error: it is cut short or
    // corrupt.
    [[nodiscard]] std::optional<ArchiveEntry> next();
    // More of the entry's content; 0 at its end.
    [[nodiscard]] std::size_t read(MutableBytes buffer);
    // The rest of the content. Error: it has more than `limit` bytes.
    [[nodiscard]] std::string read_all(std::size_t limit);

private:
    void read_to_end();
    void check(int status) const;
    [[noreturn]] void fail(std::string_view message) const;

    Location where_;
    ContentStream content_;
    ArchiveHandle archive_;
    archive_entry* entry_ = nullptr;
};

}  // namespace klp::packages
