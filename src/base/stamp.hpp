// SPDX-License-Identifier: GPL-2.0-or-later
// What a file held when it was looked at: its SHA-256, and what the file system says of it, by which another look
// usually need not read it again.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.hpp"

namespace klp {

class FileStamp {
public:
    // Reads the file. Where there is none, that is what the stamp says. Error: it is there, but cannot be read.
    [[nodiscard]] static FileStamp of(const fs::path& path);
    // What line() gave; nullopt for anything else.
    [[nodiscard]] static std::optional<FileStamp> parse(std::string_view line);
    [[nodiscard]] std::string line() const;  // without a newline

    enum class Look {
        same,       // the file was not touched
        same_text,  // it was touched, or is another file, but holds the same; the stamp now knows it
        changed,    // it holds something else, is gone, has come, or cannot be read
    };
    [[nodiscard]] Look look();

    // Whether the file was written or moved there after `time`, or too shortly before to tell.
    [[nodiscard]] bool is_newer_than(std::chrono::system_clock::time_point time) const;

    [[nodiscard]] const fs::path& path() const noexcept { return path_; }
    [[nodiscard]] bool is_of_a_file() const noexcept { return state_.size >= 0; }
    [[nodiscard]] const std::string& digest() const noexcept { return digest_; }  // "-" where there was no file

private:
    // Size in bytes, times of the last change of content and of inode in nanoseconds, number of the inode: what an
    // editor, a copy with its old time, or a rename in its place each change one of.
    struct State {
        std::int64_t size = -1;  // -1: no file
        std::int64_t modified = 0;
        std::int64_t changed = 0;
        std::uint64_t inode = 0;
        bool operator==(const State&) const = default;
    };
    FileStamp(fs::path path, State state, std::string digest)
        : path_(std::move(path)), state_(state), digest_(std::move(digest)) {}
    [[nodiscard]] static State state_of(const fs::path& path);

    fs::path path_;
    State state_;
    std::string digest_;
};

}  // namespace klp
