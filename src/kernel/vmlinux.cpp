// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/vmlinux.hpp"

#include <fmt/format.h>

#include "kernel/image.hpp"
#include "kernel/manifest.hpp"

namespace klp::kernel {

namespace {

std::vector<std::byte> unpacked(const Manifest& manifest) {
    const MappedFile image(manifest.image);
    return unpack_image(image.bytes(), {manifest.image.string(), "", {}});
}

// Whether it is ours, not a file that the user named.
bool was_unpacked(const Manifest& manifest) {
    return manifest.vmlinux != manifest.image && !manifest.image.empty() &&
           manifest.vmlinux == kernel_folder(manifest.name) / "vmlinux";
}

DerivedBlob blob_of(const Manifest& manifest) {
    return {manifest.vmlinux, "vmlinux", {}, {manifest.image}};
}

}  // namespace

void unpack_vmlinux(const Manifest& manifest) {
    const std::vector<std::byte> content = unpacked(manifest);
    keep_file(manifest.vmlinux, Bytes(content));
    if (!blob_of(manifest).adopt())
        throw Error({manifest.vmlinux.string(), {}, {}}, "its checksum cannot be written beside it");
}

VmlinuxFile::VmlinuxFile(const Manifest& manifest) : path_(manifest.vmlinux) {
    if (!was_unpacked(manifest)) return;
    const DerivedBlob blob = blob_of(manifest);
    if (blob.is_sound()) return;
    const std::vector<std::byte> content = unpacked(manifest);
    if (blob.store(content)) return;
    scratch_.emplace("klp-vmlinux");
    path_ = scratch_->path() / "vmlinux";
    write_file(path_, Bytes(content));
}

}  // namespace klp::kernel
