// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <thread>

#include "base/abandoned.hpp"
#include "base/descriptor.hpp"
#include "base/errno_text.hpp"
#include "base/process.hpp"
#include "base/write.hpp"

namespace klp {

namespace {

[[noreturn]] void fail_output(const fs::path& path, std::string_view why) {
    throw Error({path.string(), {}, {}}, fmt::format("cannot write: {}", why));
}

using FileInfo = struct stat;

// nullopt: there is none.
std::optional<FileInfo> info_of(const fs::path& path, bool follow = true) {
    FileInfo info{};
    if (::fstatat(AT_FDCWD, path.c_str(), &info, follow ? 0 : AT_SYMLINK_NOFOLLOW) == 0) return info;
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    fail_output(path, errno_text(errno));
}

bool is_same(const FileInfo& a, const FileInfo& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool is_open_as_standard_output(const FileInfo& file) {
    FileInfo standard{};
    return ::fstat(STDOUT_FILENO, &standard) == 0 && is_same(file, standard);
}

fs::path folder_of(const fs::path& path) {
    return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// Its links are open files; what they show as their target need not be a name at all (proc(5)).
bool is_in_proc(const fs::path& path) {
    struct statfs info {};
    return ::statfs(folder_of(path).c_str(), &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

struct Followed {
    fs::path place;
    bool is_open_file = false;
};

// rename() would replace the link.
Followed follow_links(const fs::path& path) {
    constexpr int most_links = 40;  // as path_resolution(7) has it
    fs::path place = path;
    for (int i = 0; i < most_links; ++i) {
        const auto info = info_of(place, false);
        if (!info || !S_ISLNK(info->st_mode)) return {place, false};
        if (is_in_proc(place)) return {place, true};
        place = folder_of(place) / fs::read_symlink(place);
    }
    fail_output(path, errno_text(ELOOP));
}

bool is_standard_output_by(const Followed& followed, const std::optional<FileInfo>& info) {
    return info && (followed.is_open_file || !S_ISCHR(info->st_mode)) && is_open_as_standard_output(*info);
}

bool is_within(const fs::path& file, const FileInfo& folder) {
    for (fs::path above = fs::canonical(file); above.has_relative_path();) {
        above = above.parent_path();
        const auto info = info_of(above);
        if (info && is_same(*info, folder)) return true;
    }
    return false;
}

void refuse_input(const fs::path& output, const FileInfo& output_info, const fs::path& input) {
    FileInfo info{};
    if (::stat(input.c_str(), &info) != 0) return;  // whoever reads it will say so
    const bool is_folder = S_ISDIR(info.st_mode);
    if (!is_same(output_info, info) && !(is_folder && is_within(output, info))) return;
    throw Error(
        {output.string(), {}, {}},
        fmt::format("the output is {} the input {}", is_folder ? "a file in" : "the same file as", input.string()),
        ExitCode::usage)
        .hint("write to another file (-o)");
}

// A FIFO without a reader cannot be opened for writing, but by waiting deaf.
Descriptor open_directly(const fs::path& path) {
    constexpr auto pause = std::chrono::milliseconds(20);
    for (;;) {
        Descriptor file(::open(path.c_str(), O_WRONLY | O_TRUNC | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
        if (file) return file;
        if (errno != EINTR && !(errno == ENXIO && fs::is_fifo(path))) fail_output(path, errno_text(errno));
        check_interrupted();
        std::this_thread::sleep_for(pause);
    }
}

// Who may read the file that is replaced may read the new one, and no one else.
void hand_on(const FileInfo& from, const PendingFile& to, const fs::path& path) {
    constexpr mode_t permissions = 0777;
    // Only root can give files away. One's own file can still go to any of one's groups.
    if (::fchown(to.descriptor(), from.st_uid, from.st_gid) != 0)
        (void)!::fchown(to.descriptor(), static_cast<uid_t>(-1), from.st_gid);
    if (::fchmod(to.descriptor(), from.st_mode & permissions) != 0) fail_output(path, errno_text(errno));
}

}  // namespace

OutputFile::OutputFile(const fs::path& path, const std::vector<fs::path>& inputs) : path_(path) {
    const Followed followed = follow_links(path);
    place_ = followed.place;
    const auto info = info_of(place_);
    if (info && S_ISDIR(info->st_mode))
        throw Error({path.string(), {}, {}}, "the output is a folder, expected the name of a file");
    is_standard_output_ = is_standard_output_by(followed, info);
    is_direct_ = is_standard_output_ || followed.is_open_file || (info && !S_ISREG(info->st_mode));
    if (info && S_ISREG(info->st_mode))
        for (const fs::path& input : inputs) refuse_input(place_, *info, input);
    if (is_standard_output_) return;
    if (info) check_file();
    if (!is_direct_) check_folder();
}

bool leads_to_standard_output(const fs::path& path) noexcept {
    try {
        const Followed followed = follow_links(path);
        return is_standard_output_by(followed, info_of(followed.place));
    } catch (const std::exception&) {  // OutputFile says why
        return false;
    }
}

void OutputFile::check_file() const {
    // rename() does not ask: that the file may not be written to is its owner's word.
    if (::faccessat(AT_FDCWD, place_.c_str(), W_OK, AT_EACCESS) != 0) fail_output(path_, errno_text(errno));
}

void OutputFile::check_folder() const {
    const fs::path folder = folder_of(place_);
    const auto info = info_of(folder);
    if (!info || !S_ISDIR(info->st_mode))
        throw Error({path_.string(), {}, {}}, fmt::format("there is no folder '{}'", folder.string()));
    if (!place_.has_filename()) throw Error({path_.string(), {}, {}}, "the output is no name of a file");
    if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) fail_output(path_, errno_text(errno));
}

void OutputFile::write(std::vector<std::byte> bytes) {
    bytes_ = std::move(bytes);
    if (is_direct_) return;
    remove_abandoned(folder_of(place_));
    pending_ = std::make_unique<PendingFile>(place_, fs::perms(0644));
    pending_->write(bytes_);
    if (const auto before = info_of(place_)) hand_on(*before, *pending_, path_);
    pending_->flush();
}

void OutputFile::commit() {
    if (is_direct_) return write_directly();
    pending_->commit();
}

void OutputFile::write_directly() const {
    if (is_standard_output_) {
        const int failure = write_all(STDOUT_FILENO, bytes_);
        // A reader that has gone away has read what it wanted.
        if (failure != 0 && failure != EPIPE) fail_output(path_, errno_text(failure));
        return;
    }
    Descriptor file = open_directly(place_);
    if (const int failure = write_all(file.get(), bytes_)) fail_output(path_, errno_text(failure));
    if (file.close() != 0) fail_output(path_, errno_text(errno));
}

}  // namespace klp
