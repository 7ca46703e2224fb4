// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/contents.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"

namespace klp::packages {

namespace {

// Debian's and older layouts have them in the first, with a merged /usr in the second.
constexpr std::array<const char*, 2> module_folders{"lib/modules", "usr/lib/modules"};

// How images are called, in /boot with "-RELEASE" behind it; where there are several, the first is booted.
// SUSE: image on s390x, Image on arm64, vmlinux on ppc64le.
constexpr std::array<std::string_view, 5> image_names{"vmlinuz", "bzImage", "image", "Image", "vmlinux"};

constexpr std::array<std::string_view, 5> wanted_folders{"boot/", "lib/modules/", "usr/lib/modules/", "usr/src/",
                                                         "usr/lib/linux-kbuild-"};

constexpr std::string_view utsrelease = "include/generated/utsrelease.h";

std::vector<fs::path> entries_of(const fs::path& folder) {
    std::vector<fs::path> entries;
    if (fs::is_directory(fs::symlink_status(folder)))
        for (const auto& entry : fs::directory_iterator(folder)) entries.push_back(entry.path());
    std::ranges::sort(entries);
    return entries;
}

bool is_real_folder(const fs::path& path) {
    return fs::is_directory(fs::symlink_status(path));
}

// The file itself, where a name leads to it by a link inside the package.
void note_file(fs::path& place, const fs::path& path) {
    std::error_code failure;
    if (place.empty() && fs::is_regular_file(path, failure)) place = fs::canonical(path, failure);
}

std::string without_compression(std::string name) {
    for (const std::string_view suffix : {".gz", ".xz", ".zst"})
        if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
    return name;
}

class Looker {
public:
    Looker(const fs::path& folder, const std::string& what) : folder_(folder), what_(what) {}
    Contents look();

private:
    void note_release(const std::string& release);
    void look_into_boot();
    void look_into_modules(const fs::path& modules);
    void look_into_sources();
    void look_for_tarball(const fs::path& path);
    void look_at_headers(const fs::path& headers);
    void look_into_build(const fs::path& build);

    const fs::path& folder_;
    const std::string& what_;
    Contents found_;
};

void Looker::note_release(const std::string& release) {
    if (found_.release.empty()) found_.release = release;
    if (found_.release != release)
        throw Error(fmt::format("package {} has kernels of several releases: {}, {}", what_, found_.release, release));
}

void Looker::look_into_boot() {
    for (const std::string_view kind : image_names)
        for (const fs::path& file : entries_of(folder_ / "boot")) {
            const std::string name = file.filename().string();
            if (!name.starts_with(std::string(kind) + "-") || name != without_compression(name)) continue;
            note_file(found_.image, file);
            note_release(name.substr(kind.size() + 1));
        }
    for (const fs::path& file : entries_of(folder_ / "boot")) {
        const std::string name = without_compression(file.filename().string());
        for (const std::string_view kind : {"config-", "symvers-"}) {
            if (!name.starts_with(kind)) continue;
            note_file(kind == "config-" ? found_.config : found_.symvers, file);
            note_release(name.substr(kind.size()));
        }
    }
}

// lib/modules/RELEASE
void Looker::look_into_modules(const fs::path& modules) {
    note_release(modules.filename().string());
    for (const std::string_view kind : image_names) note_file(found_.image, modules / kind);
    note_file(found_.config, modules / "config");
    for (const char* suffix : {"", ".gz", ".xz", ".zst"})
        note_file(found_.symvers, modules / fmt::format("symvers{}", suffix));
    for (const fs::path& entry : entries_of(modules))
        if (is_real_folder(entry) && entry.filename() != "build" && entry.filename() != "source")
            found_.modules = modules;
}

// Of two packages with folders for headers, one has what all flavours share, without what was generated.
void Looker::look_at_headers(const fs::path& headers) {
    if (!fs::is_regular_file(headers / utsrelease)) return;
    note_release(release_of_headers(headers / utsrelease));
    found_.headers = headers;
    std::error_code failure;
    for (const fs::path& part : fs::read_symlink(headers / "scripts", failure))
        if (part.string().starts_with("linux-kbuild-")) found_.programs_package = part.string();
}

// SUSE's linux-VERSION-obj/ARCH/FLAVOUR.
void Looker::look_into_build(const fs::path& build) {
    for (const fs::path& arch : entries_of(build))
        for (const fs::path& flavour : entries_of(arch)) look_at_headers(flavour);
    const std::string name = build.filename().string();
    if (!found_.headers.empty()) found_.tree_name = name.substr(0, name.size() - std::string_view("-obj").size());
}

void Looker::look_for_tarball(const fs::path& path) {
    const std::string name = path.filename().string();
    if (name.starts_with("linux-") && name.find(".tar") != std::string::npos) note_file(found_.source_tarball, path);
}

void Looker::look_into_sources() {
    for (const fs::path& entry : entries_of(folder_ / "usr/src")) {
        const std::string name = entry.filename().string();
        look_for_tarball(entry);
        if (!is_real_folder(entry) || !(name == "kernels" || name.starts_with("linux-"))) continue;
        if (name == "kernels") {  // Fedora's
            for (const fs::path& headers : entries_of(entry)) look_at_headers(headers);
        } else if (name.starts_with("linux-headers-")) {
            look_at_headers(entry);
        } else if (name.ends_with("-obj")) {
            look_into_build(entry);
        } else if (name.starts_with("linux-source-")) {  // Ubuntu's, the tarball in it
            for (const fs::path& inner : entries_of(entry)) look_for_tarball(inner);
        } else if (fs::exists(entry / "Makefile") || fs::exists(entry / "init/main.c")) {
            found_.source_tree = entry;
            found_.tree_name = name;
        }
    }
}

Contents Looker::look() {
    look_into_boot();
    for (const char* folder : module_folders)
        for (const fs::path& modules : entries_of(folder_ / folder))
            if (is_real_folder(modules)) look_into_modules(modules);
    look_into_sources();
    for (const fs::path& entry : entries_of(folder_ / "usr/lib"))
        if (entry.filename().string().starts_with("linux-kbuild-")) found_.programs = entry;
    if (!found_.headers.empty()) {
        note_file(found_.config, found_.headers / ".config");
        note_file(found_.symvers, found_.headers / "Module.symvers");
    }
    return found_;
}

}  // namespace

bool Contents::empty() const {
    return image.empty() && config.empty() && modules.empty() && symvers.empty() && headers.empty() &&
           programs.empty() && !has_source();
}

bool is_of_kernel(std::string_view path) {
    return std::ranges::any_of(wanted_folders, [&](std::string_view folder) { return path.starts_with(folder); });
}

Contents look_into(const fs::path& folder, const std::string& what) {
    return Looker(folder, what).look();
}

std::string release_of_headers(const fs::path& path) {
    const std::string text = read_text(path);
    const std::size_t begin = text.find('"', text.find("UTS_RELEASE"));
    const std::size_t end = begin == std::string::npos ? begin : text.find('"', begin + 1);
    if (end == std::string::npos) throw Error({path.string(), "", {}}, "does not define UTS_RELEASE");
    return text.substr(begin + 1, end - begin - 1);
}

}  // namespace klp::packages
