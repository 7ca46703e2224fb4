// SPDX-License-Identifier: GPL-2.0-or-later
// Adding a kernel of any origin: its parts stay where they are, once they are known to fit each other.
#include <fmt/format.h>

#include "kernel/manifest.hpp"
#include "kernel/prepared_tree.hpp"
#include "kernel/vmlinux.hpp"
#include "packages/add.hpp"
#include "packages/parts.hpp"
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

// The folder that holds modules: lib/modules/RELEASE itself, or what it is in (INSTALL_MOD_PATH).
fs::path modules_folder(const fs::path& given, const std::string& release) {
    for (const fs::path& inner :
         {fs::path("lib/modules") / release, fs::path("usr/lib/modules") / release, fs::path(release)}) {
        if (fs::is_directory(given / inner)) return given / inner;
    }
    return given;
}

fs::path vmlinux_of(const AddRequest& request, const kernel::Manifest& manifest, Bytes image,
                    const kernel::NewKernelFolder& folder) {
    if (!request.vmlinux.empty()) return existing(request.vmlinux, "vmlinux", false);
    if (as_text(image).starts_with("\177ELF")) return manifest.image;
    return folder.path() / "vmlinux";
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
    identify(manifest);
    check_tree(manifest);
    if (!request.modules.empty())
        manifest.modules = modules_folder(existing(request.modules, "modules", true), manifest.release);
    kernel::note_tree(manifest);
    folder.commit(manifest);
    return manifest;
}

}  // namespace klp::packages
