// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include "base/descriptor.hpp"
#include "base/errno_text.hpp"
#include "base/pending_file.hpp"
#include "base/process.hpp"

namespace klp {

namespace {

[[noreturn]] void fail(const fs::path& path, std::string_view what, int number) {
    throw Error({path.string(), {}, {}}, fmt::format("{}: {}", what, errno_text(number)));
}

Descriptor open_regular(const fs::path& path, struct stat& info) {
    // O_NONBLOCK: opening a FIFO must not wait for its writer.
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) fail(path, "cannot open", errno);
    if (::fstat(file.get(), &info) != 0) fail(path, "cannot read", errno);
    if (S_ISDIR(info.st_mode)) throw Error({path.string(), {}, {}}, "is a directory, expected a regular file");
    if (!S_ISREG(info.st_mode)) throw Error({path.string(), {}, {}}, "is not a regular file");
    return file;
}

const char* non_empty_variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? value : nullptr;
}

fs::path home_directory() {
    if (const char* home = non_empty_variable("HOME")) return home;
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
        throw Error("no home directory for the cache").hint("set KLPKIT_CACHE to a folder");
    return found->pw_dir;
}

}  // namespace

MappedFile::MappedFile(const fs::path& path) : path_(path) {
    struct stat info {};
    const Descriptor file = open_regular(path, info);
    const auto size = static_cast<std::size_t>(info.st_size);
    if (size == 0) return;
    void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (start == MAP_FAILED) fail(path, "cannot map", errno);
    bytes_ = {static_cast<const std::byte*>(start), size};
}

MappedFile::~MappedFile() {
    if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(bytes_, other.bytes_);
    return *this;
}

std::string read_text(const fs::path& path) {
    struct stat info {};
    const Descriptor file = open_regular(path, info);
    // Files in /proc and /sys have size 0, so the end of the file decides.
    std::string text;
    std::size_t filled = 0;
    constexpr std::size_t piece = std::size_t{16} << 20;
    for (;;) {
        check_interrupted();
        text.resize(std::max<std::size_t>(filled + 4096, static_cast<std::size_t>(info.st_size) + 1));
        const ssize_t count = ::read(file.get(), text.data() + filled, std::min(text.size() - filled, piece));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail(path, "cannot read", errno);
        if (count == 0) break;
        filled += static_cast<std::size_t>(count);
    }
    text.resize(filled);
    return text;
}

namespace {

// A rename would replace /dev/null or a FIFO by a file.
void check_can_replace(const fs::path& path) {
    std::error_code ignored;
    const fs::file_status status = fs::status(path, ignored);
    if (fs::is_directory(status)) throw Error({path.string(), {}, {}}, "cannot write: is a directory");
    if (fs::exists(status) && !fs::is_regular_file(status))
        throw Error({path.string(), {}, {}}, "cannot write: is not a regular file");
}

}  // namespace

void write_file(const fs::path& path, Bytes bytes, fs::perms mode) {
    check_can_replace(path);
    PendingFile pending(path, mode);
    pending.write(bytes);
    pending.commit();
}

void write_file(const fs::path& path, std::string_view text, fs::perms mode) {
    write_file(path, as_bytes(text), mode);
}

void keep_file(const fs::path& path, Bytes bytes, fs::perms mode) {
    check_can_replace(path);
    PendingFile pending(path, mode);
    pending.write(bytes);
    pending.flush();
    pending.commit();
}

void keep_file(const fs::path& path, std::string_view text, fs::perms mode) {
    keep_file(path, as_bytes(text), mode);
}

bool is_plain_path(const fs::path& path) {
    return std::ranges::all_of(path.string(), [](char c) {
        const bool ascii_word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        return ascii_word || static_cast<unsigned char>(c) >= 0x80 ||
               std::string_view("/._+-@").find(c) != std::string_view::npos;
    });
}

namespace {

// A lock that is there needs no writable folder, and may be another user's.
Descriptor open_lock(const fs::path& path) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && errno == ENOENT) file = Descriptor(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0644));
    if (!file) fail(path, "cannot open the lock", errno);
    return file;
}

// False where another process has it.
bool try_lock(const Descriptor& file, FileLock::Mode mode, const fs::path& path) {
    if (::flock(file.get(), (mode == FileLock::Mode::shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK && errno != EINTR) fail(path, "cannot lock", errno);
    return false;
}

}  // namespace

FileLock::FileLock(const fs::path& path, Mode mode) {
    Descriptor file = open_lock(path);
    while (!try_lock(file, mode, path)) {
        check_interrupted();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    descriptor_ = file.release();
}

std::optional<FileLock> FileLock::if_free(const fs::path& path, Mode mode) {
    Descriptor file = open_lock(path);
    if (!try_lock(file, mode, path)) return std::nullopt;
    return FileLock(file.release());
}

void FileLock::pass_on() const {
    ::fcntl(descriptor_, F_SETFD, 0);
}

bool FileLock::is_of(const fs::path& path) const {
    struct stat held {
    }, there{};
    return ::fstat(descriptor_, &held) == 0 && ::stat(path.c_str(), &there) == 0 && held.st_dev == there.st_dev &&
           held.st_ino == there.st_ino;
}

FileLock::~FileLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

fs::path cache_root() {
    if (const char* own = non_empty_variable("KLPKIT_CACHE")) return fs::absolute(own);
    // The XDG base directory specification: relative paths are invalid and to be ignored.
    if (const char* xdg = non_empty_variable("XDG_CACHE_HOME"); xdg != nullptr && fs::path(xdg).is_absolute())
        return fs::path(xdg) / "klpkit";
    return home_directory() / ".cache" / "klpkit";
}

}  // namespace klp
