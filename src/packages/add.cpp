// SPDX-License-Identifier: GPL-2.0-or-later
// Adding a kernel of any origin: its parts stay where they are, once they are known to fit each other.
#include <fmt/format.h>

#include "arch/registry.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "kernel/image.hpp"
#include "kernel/manifest.hpp"
#include "kernel/prepared_tree.hpp"
#include "kernel/vmlinux.hpp"
#include "packages/add.hpp"
#include "packages/prepare.hpp"

namespace klp::packages {

namespace {

Location at(const fs::path& path) {
    return {path.string(), "", {}};
}

fs::path existing(const fs::path& path, std::string_view what, bool folder) {
    const bool fits = folder ? fs::is_directory(path) : fs::is_regular_file(path);
    if (!fits)
        throw Error(at(path), fmt::format("no such {} (expected the kernel's {})", folder ? "folder" : "file", what));
    return fs::canonical(path);
}

// What modules compiled in the tree say they are for: `#define UTS_RELEASE "..."`. include/config/kernel.release
// will not do: the top Makefile writes it without regard to a KERNELRELEASE given to make.
std::string release_of_source(const fs::path& path) {
    const std::string text = read_text(path);
    const std::size_t begin = text.find('"', text.find("UTS_RELEASE"));
    const std::size_t end = begin == std::string::npos ? begin : text.find('"', begin + 1);
    if (end == std::string::npos) throw Error(at(path), "does not define UTS_RELEASE");
    return text.substr(begin + 1, end - begin - 1);
}

// The folder that holds modules: lib/modules/RELEASE itself, or what it is in (INSTALL_MOD_PATH).
fs::path modules_folder(const fs::path& given, const std::string& release) {
    for (const fs::path& inner :
         {fs::path("lib/modules") / release, fs::path("usr/lib/modules") / release, fs::path(release)}) {
        if (fs::is_directory(given / inner)) return given / inner;
    }
    return given;
}

void check_config(const kernel::Manifest& manifest) {
    const kernel::Config config = kernel::Config::read(manifest.config);
    for (const char* option : {"CONFIG_LIVEPATCH", "CONFIG_KALLSYMS", "CONFIG_MODULES"}) {
        if (!config.enabled(option))
            throw Error(at(manifest.config), fmt::format("the kernel cannot be livepatched: {} is not set", option));
    }
    const std::string_view machine = arch::for_name(manifest.arch).config_option();
    if (!config.enabled(machine))
        throw Error(at(manifest.vmlinux), fmt::format("of another architecture: it is for {}, but {} does not set {}",
                                                      manifest.arch, manifest.config.string(), machine));
    if (fs::exists(manifest.source / ".config")) check_same_config(manifest.config, manifest.source / ".config");
}

void check_release(const std::string& image, const fs::path& other, const std::string& found) {
    if (found != image)
        throw Error(at(other),
                    fmt::format("of another kernel: the image is of release {}, this is of {}", image, found));
}

fs::path vmlinux_of(const AddRequest& request, const kernel::Manifest& manifest, Bytes image,
                    const kernel::NewKernelFolder& folder) {
    if (!request.vmlinux.empty()) return existing(request.vmlinux, "vmlinux", false);
    if (as_text(image).starts_with("\177ELF")) return manifest.image;
    return folder.path() / "vmlinux";
}

// Symbols of the vmlinux; its architecture is the kernel's.
std::string check_vmlinux(const kernel::Manifest& manifest) {
    const elf::Object vmlinux = elf::Object::read(manifest.vmlinux);
    const arch::Arch& arch = arch::for_object(vmlinux);
    (void)kernel::read_kallsyms(vmlinux);
    return std::string(arch.name());
}

}  // namespace

kernel::Manifest add(const AddRequest& request, const Progress& progress) {
    const FileLock lock = kernel::lock_kernel(request.name);
    if (kernel::load_manifest(request.name)) {
        throw Error(fmt::format("there is a kernel '{}' already", request.name))
            .hint(fmt::format("klp kernel remove {}", request.name));
    }
    kernel::Manifest manifest{.name = request.name,
                              .source = existing(request.source, "source tree", true),
                              .image = existing(request.image, "image", false),
                              .config = existing(request.config, "config", false),
                              .symvers = existing(request.symvers, "Module.symvers", false)};
    check_prepared(manifest.source);
    const MappedFile image(manifest.image);
    kernel::NewKernelFolder folder(request.name);
    progress(fmt::format("reading {}", manifest.image.string()));
    manifest.vmlinux = vmlinux_of(request, manifest, image.bytes(), folder);
    if (!fs::exists(manifest.vmlinux)) kernel::unpack_vmlinux(manifest);
    const MappedFile vmlinux(manifest.vmlinux);
    manifest.release = kernel::release_of_vmlinux(vmlinux.bytes(), at(manifest.vmlinux));
    if (const auto release = kernel::release_of_image(image.bytes(), at(manifest.image)))
        check_release(*release, manifest.vmlinux, manifest.release);
    manifest.arch = check_vmlinux(manifest);
    const fs::path release_file = manifest.source / "include/generated/utsrelease.h";
    check_release(manifest.release, release_file, release_of_source(release_file));
    check_config(manifest);
    (void)kernel::Exports::read(manifest.symvers);
    if (!request.modules.empty())
        manifest.modules = modules_folder(existing(request.modules, "modules", true), manifest.release);
    kernel::note_tree(manifest);
    folder.commit(manifest);
    return manifest;
}

}  // namespace klp::packages
