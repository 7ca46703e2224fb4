// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/stamp.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "base/errno_text.hpp"
#include "base/error.hpp"

namespace klp {

namespace {

constexpr std::string_view no_digest = "-";

std::int64_t nanoseconds(const timespec& time) {
    return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

// Takes the word up to the next space off `line`.
std::string_view take_word(std::string_view& line) {
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(line.size(), word.size() + 1));
    return word;
}

template <typename Number>
bool take_number(std::string_view& line, Number& number) {
    const std::string_view word = take_word(line);
    const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), number);
    return failure == std::errc() && end == word.data() + word.size();
}

}  // namespace

FileStamp::State FileStamp::state_of(const fs::path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0)
        return {info.st_size, nanoseconds(info.st_mtim), nanoseconds(info.st_ctim), info.st_ino};
    if (errno == ENOENT || errno == ENOTDIR) return {};
    throw Error({path.string(), {}, {}}, fmt::format("cannot read: {}", errno_text(errno)));
}

// The state first: a file that changes while it is read then fits neither.
FileStamp FileStamp::of(const fs::path& path) {
    const State state = state_of(path);
    if (state == State{}) return {path, state, std::string(no_digest)};
    return {path, state, sha256_hex(MappedFile(path).bytes())};
}

std::optional<FileStamp> FileStamp::parse(std::string_view line) {
    const std::string_view digest = take_word(line);
    State state;
    const bool is_stamp = take_number(line, state.size) && take_number(line, state.modified) &&
                          take_number(line, state.changed) && take_number(line, state.inode);
    if (!is_stamp || digest.empty() || line.empty()) return std::nullopt;
    return FileStamp(line, state, std::string(digest));
}

std::string FileStamp::line() const {
    return fmt::format("{} {} {} {} {} {}", digest_, state_.size, state_.modified, state_.changed, state_.inode,
                       path_.string());
}

FileStamp::Look FileStamp::look() {
    try {
        if (state_of(path_) == state_) return Look::same;
        const FileStamp now = of(path_);
        if (now.digest_ != digest_) return Look::changed;
        state_ = now.state_;
        return Look::same_text;
    } catch (const Error&) {
        return Look::changed;
    }
}

// File systems keep the time of the last tick of the kernel's clock, which is up to 10 ms behind.
bool FileStamp::is_newer_than(std::chrono::system_clock::time_point time) const {
    constexpr std::chrono::milliseconds tick{20};
    const auto since_1970 = std::chrono::duration_cast<std::chrono::nanoseconds>((time - tick).time_since_epoch());
    return std::max(state_.modified, state_.changed) >= since_1970.count();
}

}  // namespace klp
