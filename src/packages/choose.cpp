// SPDX-License-Identifier: GPL-2.0-or-later
// linux-image-RELEASE has the image, the modules and the config; from 6.19 on it only depends on linux-binary-RELEASE
// and linux-modules-RELEASE, which have them. linux-headers-RELEASE has Module.symvers, the config that the build
// really used (the image's copy has lost its key names) and the generated headers; linux-kbuild-X.Y or
// linux-kbuild-RELEASE the compiled host tools; linux-source-X.Y in the version that the image was built from has the
// source. linux-headers-*-common is not needed: it is a part of the source.
#include "packages/choose.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "packages/featureset.hpp"

namespace klp::packages {

namespace {

constexpr std::string_view newest = "newest";
constexpr std::string_view image_prefix = "linux-image-";

Error no_package(std::string_view name, std::string_view version = {}) {
    return Error(
        fmt::format("no package {}{}{} in the package lists", name, version.empty() ? "" : " in version ", version));
}

Package need(const Apt& apt, const std::string& name, std::string_view version = {}) {
    if (auto package = apt.show(name, version)) return std::move(*package);
    throw no_package(name, version);
}

std::optional<std::string_view> dependency(const Package& package, std::string_view prefix) {
    for (const std::string_view name : package.depends())
        if (name.starts_with(prefix)) return name;
    return std::nullopt;
}

// The release whose image a metapackage depends on; nullopt for a package that is none.
std::optional<std::string> image_of_metapackage(const Package& package) {
    const auto image = dependency(package, image_prefix);
    if (!image) return std::nullopt;
    return std::string(image->substr(image_prefix.size()));
}

// The releases that begin with `start` and can be fetched: those that have headers, which neither packages of debug
// information nor unsigned images have, and that are no metapackages.
std::vector<std::string> releases(const Apt& apt, const std::string& start) {
    std::vector<std::string> found;
    for (const std::string& headers : apt.names("linux-headers-" + start)) {
        std::string release = headers.substr(std::string_view("linux-headers-").size());
        if (release.empty() || release.front() < '0' || release.front() > '9') continue;
        const auto image = apt.show("linux-image-" + release);
        if (image && !image_of_metapackage(*image)) found.push_back(std::move(release));
    }
    return found;
}

Package need_image(const Apt& apt, const std::string& release) {
    const std::string name = "linux-image-" + release;
    if (auto package = apt.show(name)) return std::move(*package);
    Error error = no_package(name);
    if (const auto flavours = releases(apt, release + "-"); !flavours.empty())
        throw std::move(error).hint(fmt::format("name the flavour, too: {}", fmt::join(flavours, ", ")));
    if (const auto all = releases(apt, ""); !all.empty())
        throw std::move(error).hint(fmt::format("there are: {}", fmt::join(all, ", ")));
    throw std::move(error);
}

// The packages that have the files of linux-image-RELEASE.
std::vector<Package> image_packages(const Apt& apt, Package image) {
    std::vector<Package> parts;
    for (const char* prefix : {"linux-binary-", "linux-modules-"})
        if (const auto name = dependency(image, prefix))
            parts.push_back(need(apt, std::string(*name), image.version()));
    if (parts.empty()) parts.push_back(std::move(image));
    return parts;
}

// Of one built with the kernel: where the lists have several versions, the others belong to other releases of it.
std::optional<Package> kbuild_of(const Apt& apt, const Package& headers) {
    const auto name = dependency(headers, "linux-kbuild-");
    if (!name) return std::nullopt;
    if (auto same = apt.show(std::string(*name), headers.version())) return same;
    return std::nullopt;
}

}  // namespace

bool asks_for_newest(std::string_view wanted) {
    return wanted == newest || (wanted.starts_with(newest) && wanted.substr(newest.size()).starts_with('-'));
}

std::string newest_release(const Apt& apt, std::string_view wanted) {
    const std::string architecture = debian_architecture();
    std::string_view flavour = wanted.substr(std::min(wanted.size(), newest.size()));
    if (flavour.ends_with("-" + architecture)) flavour.remove_suffix(architecture.size() + 1);
    const Package meta = need(apt, fmt::format("linux-image{}-{}", flavour, architecture));
    if (auto release = image_of_metapackage(meta)) return *std::move(release);
    throw Error(fmt::format("package {} {} depends on no linux-image package", meta.name(), meta.version()));
}

std::string series(std::string_view release) {
    const std::size_t dot = release.find('.');
    const std::size_t end = release.find_first_not_of("0123456789", dot == std::string_view::npos ? 0 : dot + 1);
    return std::string(release.substr(0, end));
}

KernelPackages packages_of(const Apt& apt, const std::string& release) {
    std::vector<Package> image = image_packages(apt, need_image(apt, release));
    Package headers = need(apt, "linux-headers-" + release);
    const std::string version = image.front().linux_source().version;
    Package source = need(apt, "linux-source-" + series(release), version);
    if (headers.version() != version && headers.linux_source().version != version) {
        throw Error(fmt::format("package {} is of version {}, but the image was built from {}", headers.name(),
                                headers.version(), version));
    }
    std::optional<Package> kbuild = kbuild_of(apt, headers);
    std::string featureset = featureset_of(headers.field("Depends"));
    return {std::move(image), std::move(headers), std::move(kbuild), std::move(source), std::move(featureset)};
}

// The tarball unpacks to about ten times its size.
std::uint64_t space_needed(const KernelPackages& packages) {
    std::uint64_t bytes = packages.headers.size() + 14 * packages.source.size();
    for (const Package& image : packages.image) bytes += image.size() + image.installed_size();
    return bytes;
}

}  // namespace klp::packages
