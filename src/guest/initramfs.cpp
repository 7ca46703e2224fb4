// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/initramfs.hpp"

#include <fmt/format.h>

#include <limits>

namespace klp::guest {

namespace {

constexpr unsigned folder_mode = 0040755;
constexpr unsigned file_mode = 0100644;
constexpr unsigned executable_mode = 0100755;
constexpr unsigned character_device_mode = 0020600;

constexpr std::size_t alignment = 4;

void pad(std::string& archive) {
    archive.resize((archive.size() + alignment - 1) & ~(alignment - 1));
}

void check_path(std::string_view path) {
    const bool plain = !path.empty() && !path.starts_with('/') && !path.ends_with('/') &&
                       path.find('\0') == std::string_view::npos && path != "." && path != "..";
    if (!plain) throw Error(fmt::format("'{}' cannot be a path in an initramfs", path));
}

}  // namespace

void Initramfs::add_folder(std::string_view path) {
    check_path(path);
    if (contains(path)) return;
    if (const auto slash = path.rfind('/'); slash != std::string_view::npos) add_folder(path.substr(0, slash));
    append(path, {.mode = folder_mode});
}

void Initramfs::add_file(std::string_view path, Bytes content, bool executable) {
    if (content.size() > std::numeric_limits<std::uint32_t>::max())
        throw Error(fmt::format("'{}' has {} bytes, too many for an initramfs", path, content.size()));
    add_new(path, {.mode = executable ? executable_mode : file_mode, .content = content});
}

void Initramfs::add_character_device(std::string_view path, unsigned major, unsigned minor) {
    add_new(path, {.mode = character_device_mode, .major = major, .minor = minor});
}

std::string Initramfs::finish() && {
    append("TRAILER!!!", {});
    return std::move(archive_);
}

void Initramfs::add_new(std::string_view path, const Entry& entry) {
    check_path(path);
    if (contains(path)) throw Error(fmt::format("'/{}' is in the guest already", path));
    if (const auto slash = path.rfind('/'); slash != std::string_view::npos) add_folder(path.substr(0, slash));
    append(path, entry);
}

// The header's fields in their order (init/initramfs.c:parse_header): ino, mode, uid, gid, nlink, mtime, filesize,
// dev major and minor, rdev major and minor, namesize, checksum.
void Initramfs::append(std::string_view path, const Entry& entry) {
    paths_.emplace(path);
    constexpr unsigned links = 1;
    archive_ += fmt::format("070701{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}",
                            next_inode_++, entry.mode, 0, 0, links, 0, entry.content.size(), 0, 0, entry.major,
                            entry.minor, path.size() + 1, 0);
    archive_ += path;
    archive_ += '\0';
    pad(archive_);
    // A string that grows by itself asks for twice what it holds.
    const std::size_t needed = archive_.size() + entry.content.size() + alignment;
    if (entry.content.size() > archive_.size() && archive_.capacity() < needed) archive_.reserve(needed);
    archive_ += as_text(entry.content);
    pad(archive_);
}

}  // namespace klp::guest
