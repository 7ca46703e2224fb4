// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/abandoned.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/errno_text.hpp"
#include "base/error.hpp"

namespace klp {

namespace {

bool has_only(std::string_view text, std::string_view set) {
    return text.find_first_not_of(set) == std::string_view::npos;
}

// ANYTHING.klpkit-XXXXXX, as TempDir names its folders.
bool is_scratch_name(std::string_view name) {
    constexpr std::string_view infix = ".klpkit-";
    constexpr std::size_t letters = 6;
    return name.size() > infix.size() + letters &&
           name.substr(name.size() - infix.size() - letters, infix.size()) == infix &&
           has_only(name.substr(name.size() - letters),
                    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
}

// .klp-XXXXXXXXXXXXXXXX.tmp, as PendingFile names its files.
bool is_pending_name(std::string_view name) {
    constexpr std::string_view prefix = ".klp-", suffix = ".tmp";
    constexpr std::size_t digits = 16;
    return name.size() == prefix.size() + digits + suffix.size() && name.starts_with(prefix) &&
           name.ends_with(suffix) && has_only(name.substr(prefix.size(), digits), "0123456789abcdef");
}

Descriptor open_itself(const fs::path& path) {
    return Descriptor(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

// Another user's are theirs, also where this one may remove them.
bool is_ours(const Descriptor& file) {
    struct stat info {};
    return ::fstat(file.get(), &info) == 0 && info.st_uid == ::geteuid();
}

void remove_if_abandoned(const fs::path& path, bool folder) {
    const Descriptor file = open_itself(path);
    if (!file || !is_ours(file) || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return;
    if (folder) {
        remove_tree(path);
    } else {
        ::unlink(path.c_str());
    }
}

// Gives the owner every permission on each folder, so that what it holds can be unlinked.
void open_up(const fs::path& folder) {
    std::error_code ignored;
    fs::permissions(folder, fs::perms::owner_all, fs::perm_options::add, ignored);
    for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored))
        if (entry->symlink_status(ignored).type() == fs::file_type::directory) open_up(entry->path());
}

}  // namespace

void remove_abandoned(const fs::path& folder) {
    std::error_code ignored;
    std::vector<std::pair<fs::path, bool>> found;
    for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
        const std::string name = entry->path().filename().string();
        const fs::file_type type = entry->symlink_status(ignored).type();
        if (is_scratch_name(name) && type == fs::file_type::directory) found.emplace_back(entry->path(), true);
        if (is_pending_name(name) && type == fs::file_type::regular) found.emplace_back(entry->path(), false);
    }
    for (const auto& [path, is_folder] : found) remove_if_abandoned(path, is_folder);
}

bool remove_tree(const fs::path& folder) noexcept {
    try {
        std::error_code failed;
        fs::remove_all(folder, failed);
        if (!failed) return true;
        open_up(folder);
        fs::remove_all(folder, failed);
        return !failed;
    } catch (const std::exception&) {  // no memory
        return false;
    }
}

Descriptor claim(const fs::path& path) {
    Descriptor file = open_itself(path);
    if (!file && errno == ENOENT) return {};
    if (!file) throw Error({path.string(), {}, {}}, fmt::format("cannot open: {}", errno_text(errno)));
    if (!claim(file, path)) return {};
    return file;
}

// A file system without locks (ENOLCK, EOPNOTSUPP) has none for those who look for abandoned things either.
bool claim(const Descriptor& file, const fs::path& path) {
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
    struct stat held {
    }, there{};
    return ::fstat(file.get(), &held) == 0 && ::lstat(path.c_str(), &there) == 0 && held.st_ino == there.st_ino &&
           held.st_dev == there.st_dev;
}

}  // namespace klp
