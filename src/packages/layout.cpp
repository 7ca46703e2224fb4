// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "packages/choose.hpp"

namespace klp::packages {

namespace {

bool contains_word(std::string text, std::string_view word) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text.find(word) != std::string::npos;
}

bool is_of_suse(const UnpackedPackage& package) {
    const std::string& package_name = package.file->name();
    const std::size_t flavour = package.contents.release.rfind('-');
    return contains_word(package.file->maker(), "suse") || !package.contents.tree_name.empty() ||
           (flavour != std::string::npos && package_name == "kernel" + package.contents.release.substr(flavour));
}

Distribution distribution_of(const std::vector<UnpackedPackage>& packages) {
    if (packages.front().file->is_rpm())
        return std::ranges::any_of(packages, is_of_suse) ? Distribution::suse : Distribution::fedora;
    const bool is_ubuntu = std::ranges::any_of(packages, [](const UnpackedPackage& package) {
        return contains_word(package.file->maker(), "ubuntu") || contains_word(package.file->maker(), "canonical");
    });
    return is_ubuntu ? Distribution::ubuntu : Distribution::debian;
}

// "kernel-rt" of "kernel-rt-modules-extra"; "kernel-default" of "kernel-default-devel".
std::string variant_of(std::string_view package) {
    for (const std::string_view part : {"-modules", "-core", "-devel", "-extra", "-optional"}) {
        const std::size_t at = package.find(part);
        if (at != std::string_view::npos) return std::string(package.substr(0, at));
    }
    return std::string(package);
}

}  // namespace

std::string_view name(Part part) noexcept {
    constexpr std::array<std::string_view, 7> names{
        "image", "modules", "config", "Module.symvers", "generated headers", "programs of the build (modpost, objtool)",
        "source"};
    return names[static_cast<std::size_t>(part)];
}

Origin::Origin(const std::vector<UnpackedPackage>& packages, const std::string& release)
    : distribution_(distribution_of(packages)), release_(release), variant_("kernel") {
    for (const UnpackedPackage& package : packages) {
        const PackageFile& file = *package.file;
        if (!package.contents.programs_package.empty()) programs_package_ = package.contents.programs_package;
        is_split_ = is_split_ || file.name().starts_with("linux-binary-") || file.name().starts_with("linux-modules-");
        if (file.format() != PackageFile::Format::rpm || file.arch().empty()) continue;
        version_ = fmt::format("{}.{}", file.version(), file.arch());
        source_rpm_ = file.source();
        variant_ = variant_of(file.name());
    }
}

std::string Origin::debian_package(Part part) const {
    switch (part) {
        case Part::image:
            return (is_split_ ? "linux-binary-" : "linux-image-") + release_;
        case Part::modules:
            return (is_split_ ? "linux-modules-" : "linux-image-") + release_;
        case Part::config:
        case Part::symvers:
        case Part::headers:
            return "linux-headers-" + release_;
        case Part::programs:
            return programs_package_.empty() ? "linux-kbuild-" + series(release_) : programs_package_;
        case Part::source:
            return "linux-source-" + series(release_);
    }
    return {};
}

std::string Origin::ubuntu_package(Part part) const {
    switch (part) {
        case Part::image:
            return "linux-image-" + release_;
        case Part::modules:
            return "linux-modules-" + release_;
        case Part::config:
        case Part::symvers:
        case Part::headers:
        case Part::programs:
            return "linux-headers-" + release_;
        case Part::source:
            return "linux-source-" + release_.substr(0, release_.find('-'));
    }
    return {};
}

std::string Origin::fedora_package(Part part) const {
    const std::string version = version_.empty() ? release_ : version_;
    switch (part) {
        case Part::image:
        case Part::config:
            return fmt::format("{}-core-{}", variant_, version);
        case Part::modules:
            return fmt::format("{0}-modules-{1} (of newer releases {0}-modules-core, too)", variant_, version);
        case Part::symvers:
        case Part::headers:
        case Part::programs:
            return fmt::format("{}-devel-{}", variant_, version);
        case Part::source:
            return source_rpm_.empty() ? "the source package (.src.rpm)" : source_rpm_;
    }
    return {};
}

std::string Origin::suse_package(Part part) const {
    const std::size_t flavour = release_.rfind('-');
    std::string variant = variant_ != "kernel"
                              ? variant_
                              : "kernel" + (flavour == std::string::npos ? "-default" : release_.substr(flavour));
    switch (part) {
        case Part::image:
        case Part::modules:
        case Part::config:
            return variant;
        case Part::symvers:
        case Part::headers:
        case Part::programs:
            return variant + "-devel";
        case Part::source:
            return "kernel-source and kernel-devel";
    }
    return {};
}

std::string Origin::package_with(Part part) const {
    switch (distribution_) {
        case Distribution::debian:
            return debian_package(part);
        case Distribution::ubuntu:
            return ubuntu_package(part);
        case Distribution::fedora:
            return fedora_package(part);
        case Distribution::suse:
            return suse_package(part);
    }
    return {};
}

}  // namespace klp::packages
