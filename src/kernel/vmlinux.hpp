// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel's ELF file: as it was built, or as it was unpacked from the image and kept in the kernel's folder.
#pragma once

#include <optional>
#include <vector>

#include "base/derived.hpp"
#include "kernel/kernel.hpp"

namespace klp::kernel {

// Unpacks the image into the kernel's folder, as manifest.vmlinux. Error: it is damaged, or there is no space.
void unpack_vmlinux(const Manifest& manifest);

// The file, sound: one that was damaged since it was unpacked is unpacked again, under TMPDIR where the kernel's
// folder cannot be written. Error: the image is damaged as well.
class VmlinuxFile {
public:
    explicit VmlinuxFile(const Manifest& manifest);
    [[nodiscard]] const fs::path& path() const noexcept { return path_; }

private:
    fs::path path_;
    std::optional<TempDir> scratch_;
};

}  // namespace klp::kernel
