// SPDX-License-Identifier: GPL-2.0-or-later
// An initramfs, as the kernel unpacks it: an uncompressed cpio archive in the `newc` format
// (Documentation/driver-api/early-userspace/buffer-format.rst, init/initramfs.c).
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace klp::guest {

// Paths have no leading slash. Folders above a path are added by themselves. Error: the path is there already, is
// not relative and plain, or is a file of 4 GiB or more.
class Initramfs {
public:
    void add_folder(std::string_view path);
    void add_file(std::string_view path, Bytes content, bool executable = false);
    void add_character_device(std::string_view path, unsigned major, unsigned minor);

    [[nodiscard]] bool contains(std::string_view path) const { return paths_.contains(path); }
    // The archive with its end mark.
    [[nodiscard]] std::string finish() &&;

private:
    struct Entry {
        unsigned mode = 0;
        unsigned major = 0;
        unsigned minor = 0;
        Bytes content = {};
    };
    void add_new(std::string_view path, const Entry& entry);
    void append(std::string_view path, const Entry& entry);

    std::string archive_;
    std::set<std::string, std::less<>> paths_;
    unsigned next_inode_ = 1;
};

}  // namespace klp::guest
