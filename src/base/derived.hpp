// SPDX-License-Identifier: GPL-2.0-or-later
// Derived files: what took time to find out, kept in the cache because it can be found out again.
//
// Such a file says what it was made from and carries a checksum. One that is damaged, that was made from something
// else, or that cannot be read counts as not there; one that cannot be written (the cache is full, read-only or
// another user's) is made again by the next command.
//
//     klp derived 1 KIND SHA256-OF-ALL-BELOW
//     what it was made from, a line each
//     (empty line)
//     the content
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"

namespace klp {

class DerivedFile {
public:
    // `kind` is one word. `made_from` has whatever the content depends on, other than what the content itself tells
    // its reader to look at; long texts as their checksums.
    DerivedFile(fs::path path, std::string_view kind, const std::vector<std::string>& made_from);

    [[nodiscard]] std::optional<std::string> load() const;
    bool store(std::string_view content) const;  // false: it could not be kept

    // The content, made where it cannot be loaded, and then stored.
    [[nodiscard]] std::string get(const std::function<std::string()>& make) const;

    [[nodiscard]] const fs::path& path() const noexcept { return path_; }

private:
    [[nodiscard]] std::string first_line(std::string_view rest) const;

    fs::path path_;
    std::string kind_;
    std::string origin_;  // the lines of made_from, and the empty one
};

// A derived file that others read in place, so that its first line cannot be ours: a program, a kernel image. What it
// was made from, and its checksum, are in a file beside it, NAME.origin.
class DerivedBlob {
public:
    // `files` are those that it was made from.
    DerivedBlob(fs::path path, std::string_view kind, const std::vector<std::string>& made_from,
                std::vector<fs::path> files);

    // Whether the file is there as it was stored, and `files` still hold the same.
    [[nodiscard]] bool is_sound() const;
    // Takes the file that is there for sound, however it came there. False: this could not be noted down.
    bool adopt() const;
    bool store(Bytes content, fs::perms mode = fs::perms(0644)) const;  // false: it could not be kept

    [[nodiscard]] const fs::path& path() const noexcept { return path_; }
    [[nodiscard]] bool has_origin() const;  // as opposed to a file that an earlier release of klp left

private:
    bool note(std::string_view digest) const;

    fs::path path_;
    DerivedFile origin_;
    std::vector<fs::path> files_;
};

}  // namespace klp
