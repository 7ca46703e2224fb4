// SPDX-License-Identifier: GPL-2.0-or-later
// What an unpacked package has of a kernel, wherever its distribution puts it.
#pragma once

#include <string>
#include <string_view>

#include "base/file.hpp"

namespace klp::packages {

// Absolute paths; empty where the package has no such thing.
struct Contents {
    std::string release;  // of the kernel that it is for; empty where nothing in it tells
    fs::path image;
    fs::path config;
    fs::path modules;
    fs::path symvers;              // may be compressed
    fs::path headers;              // a folder with generated headers and .config, for building modules
    fs::path programs;             // a folder with compiled scripts/ and tools/: Debian's linux-kbuild
    std::string programs_package;  // that the headers say has them: "linux-kbuild-6.1"
    fs::path source_tarball;       // of linux-source
    fs::path source_tree;          // SUSE's /usr/src/linux-VERSION
    std::string tree_name;         // "linux-VERSION" of source_tree, or that which the headers were made from

    [[nodiscard]] bool empty() const;
    [[nodiscard]] bool has_source() const { return !source_tarball.empty() || !source_tree.empty(); }
};

// Whether a file of a package can be one of a kernel's, by its path.
[[nodiscard]] bool is_of_kernel(std::string_view path);

// `folder` has one package, `what` is its name. Error: it has kernels of several releases.
[[nodiscard]] Contents look_into(const fs::path& folder, const std::string& what);

// What modules compiled in a prepared tree say they are for: `#define UTS_RELEASE "..."` of its
// include/generated/utsrelease.h. include/config/kernel.release will not do: the top Makefile writes it without regard
// to a KERNELRELEASE given to make. Error: the file is not there, or has none.
[[nodiscard]] std::string release_of_headers(const fs::path& utsrelease);

}  // namespace klp::packages
