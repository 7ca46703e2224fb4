// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/parts.hpp"

#include <fmt/format.h>

#include "arch/registry.hpp"
#include "base/error.hpp"
#include "kernel/image.hpp"
#include "packages/contents.hpp"
#include "packages/prepare.hpp"

namespace klp::packages {

namespace {

Location whole(const fs::path& path) {
    return {path.string(), "", {}};
}

void check_config(const kernel::Manifest& manifest) {
    const kernel::Config config = kernel::Config::read(manifest.config);
    for (const char* option : {"CONFIG_LIVEPATCH", "CONFIG_KALLSYMS", "CONFIG_MODULES"}) {
        if (!config.enabled(option))
            throw Error(whole(manifest.config), fmt::format("the kernel cannot be livepatched: {} is not set", option));
    }
    const std::string_view machine = arch::for_name(manifest.arch).config_option();
    if (!config.enabled(machine))
        throw Error(whole(manifest.vmlinux),
                    fmt::format("of another architecture: it is for {}, but {} does not set {}", manifest.arch,
                                manifest.config.string(), machine));
}

// Symbols of the vmlinux; its architecture is the kernel's.
std::string check_vmlinux(const kernel::Manifest& manifest) {
    const elf::Object vmlinux = elf::Object::read(manifest.vmlinux);
    const arch::Arch& arch = arch::for_object(vmlinux);
    (void)kernel::read_kallsyms(vmlinux);
    return std::string(arch.name());
}

}  // namespace

void check_release(const std::string& image, const fs::path& other, const std::string& found) {
    if (found != image)
        throw Error(whole(other),
                    fmt::format("of another kernel: the image is of release {}, this is of {}", image, found));
}

void identify(kernel::Manifest& manifest) {
    const MappedFile image(manifest.image);
    const MappedFile vmlinux(manifest.vmlinux);
    manifest.release = kernel::release_of_vmlinux(vmlinux.bytes(), whole(manifest.vmlinux));
    if (const auto release = kernel::release_of_image(image.bytes(), whole(manifest.image)))
        check_release(*release, manifest.vmlinux, manifest.release);
    manifest.arch = check_vmlinux(manifest);
    check_config(manifest);
    (void)kernel::Exports::read(manifest.symvers);
}

void check_tree(const kernel::Manifest& manifest) {
    const fs::path release_file = manifest.source / "include/generated/utsrelease.h";
    check_release(manifest.release, release_file, release_of_headers(release_file));
    if (fs::exists(manifest.source / ".config")) check_same_config(manifest.config, manifest.source / ".config");
}

}  // namespace klp::packages
