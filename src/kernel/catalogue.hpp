// SPDX-License-Identifier: GPL-2.0-or-later
// The catalogue: kernels known by name, under `cache_root()/kernels/NAME/`. A kernel exists once its
// kernel.json does; that file is written last, so that an interrupted fetch leaves no half kernel.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.hpp"
#include "kernel/kernel.hpp"

namespace klp::kernel {

[[nodiscard]] std::vector<Manifest> list();
// Error (with the names there are, and how to fetch one) where there is no such kernel.
[[nodiscard]] Manifest find(std::string_view name);
// The kernel meant when none is named: the only one, or the newest fetched. Error where there is none.
[[nodiscard]] Manifest default_kernel();
[[nodiscard]] std::optional<Manifest> newest_fetched();
void remove(std::string_view name);

struct AddRequest {
    std::string name;
    fs::path source;  // configured and prepared (`make modules_prepare`); only read
    fs::path image;
    fs::path config;
    fs::path symvers;
    fs::path modules;  // optional
    fs::path vmlinux;  // optional
};
// Checks that the parts fit each other (release, architecture, config, LIVEPATCH), unpacks the image.
Manifest add(const AddRequest& request, const Progress& progress);

// `release` is "newest" or a release such as "6.1.0-56-amd64". Returns at once where it is there already.
// Needs apt-get and dpkg-deb, no root. Error: no network, no such release, no space, a damaged package.
Manifest fetch(std::string_view release, const Progress& progress);

// The ELF vmlinux out of a boot image (x86 bzImage: Documentation/x86/boot.rst payload_offset), or the bytes
// themselves where they are an ELF file. Error: foreign or truncated image, more than `size_limit` bytes of vmlinux.
[[nodiscard]] std::vector<std::byte> unpack_image(Bytes image, const Location& where,
                                                  std::size_t size_limit = std::size_t{1} << 30);

}  // namespace klp::kernel
