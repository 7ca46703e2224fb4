// SPDX-License-Identifier: GPL-2.0-or-later
// Files: mapped reading, atomic writing, scratch folders that go in every case.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/descriptor.hpp"

namespace klp {

namespace fs = std::filesystem;

// A read-only private mapping of a whole regular file. An empty file gives empty bytes.
class MappedFile {
public:
    explicit MappedFile(const fs::path& path);  // Error: cannot be opened, is not a regular file
    ~MappedFile();
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    [[nodiscard]] Bytes bytes() const noexcept { return bytes_; }
    [[nodiscard]] const fs::path& path() const noexcept { return path_; }

private:
    fs::path path_;
    Bytes bytes_;
};

[[nodiscard]] std::string read_text(const fs::path& path);

// Writes to a temporary name in the same folder and renames: the file is there whole, or not at all.
// Error where it cannot be written (the message has the reason, "no space left on device" and the like).
void write_file(const fs::path& path, Bytes bytes, fs::perms mode = fs::perms(0644));
void write_file(const fs::path& path, std::string_view text, fs::perms mode = fs::perms(0644));
// The same for what has to outlive a crash of the machine: it is on the disk before it gets its name.
void keep_file(const fs::path& path, Bytes bytes, fs::perms mode = fs::perms(0644));
void keep_file(const fs::path& path, std::string_view text, fs::perms mode = fs::perms(0644));

// Whether make, shells and compilers (`-Wp,-MMD,FILE`) keep the path in one piece: no spaces, colons, commas, quotes
// and the like. kbuild quotes none of its paths.
[[nodiscard]] bool is_plain_path(const fs::path& path);

// A fresh folder under $TMPDIR, or in `parent`; removed with all it holds by the destructor, also when the stack
// unwinds, and by a later process where this one is killed (abandoned.hpp). Under /tmp where $TMPDIR is not set or no
// plain path: kbuild works in these folders.
class TempDir {
public:
    explicit TempDir(std::string_view prefix = "klp", const fs::path& parent = {});
    ~TempDir();
    TempDir(TempDir&& other) noexcept;
    TempDir& operator=(TempDir&& other) noexcept;
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    [[nodiscard]] const fs::path& path() const noexcept { return path_; }

private:
    fs::path path_;
    Descriptor lock_;
};

// An advisory lock (flock) on a folder, or on a file, which is made if need be and stays. Blocks until it is had; polls
// for interruption while it waits.
class FileLock {
public:
    enum class Mode { shared, exclusive };
    FileLock(const fs::path& path, Mode mode);
    // nullopt where another process has it. Error: there can be no lock.
    [[nodiscard]] static std::optional<FileLock> if_free(const fs::path& path, Mode mode);
    ~FileLock();
    FileLock(FileLock&& other) noexcept;
    FileLock& operator=(FileLock&& other) noexcept;
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;

    // Programs that this one runs from now on hold it, too: where this one is killed, they may still be at work.
    void pass_on() const;

    // Whether what is locked still has that name.
    [[nodiscard]] bool is_of(const fs::path& path) const;

private:
    explicit FileLock(int descriptor) : descriptor_(descriptor) {}

    int descriptor_ = -1;
};

// $KLPKIT_CACHE, or $XDG_CACHE_HOME/klpkit, or ~/.cache/klpkit. Not created here.
[[nodiscard]] fs::path cache_root();
// Where a TempDir is made when no other place is named: $TMPDIR, or /tmp.
[[nodiscard]] fs::path temporary_folder();

}  // namespace klp
