// SPDX-License-Identifier: GPL-2.0-or-later
// Which package has which part of a kernel, in each distribution's layout.
#pragma once

#include <string>
#include <vector>

#include "packages/contents.hpp"
#include "packages/package_file.hpp"

namespace klp::packages {

enum class Part { image, modules, config, symvers, headers, programs, source };
[[nodiscard]] std::string_view name(Part part) noexcept;

enum class Distribution { debian, ubuntu, fedora, suse };

struct UnpackedPackage {
    const PackageFile* file = nullptr;
    fs::path folder;
    Contents contents;
};

// Where the packages of a kernel are from, by those of them that are there.
class Origin {
public:
    // Precondition: there is at least one package.
    Origin(const std::vector<UnpackedPackage>& packages, const std::string& release);

    [[nodiscard]] Distribution distribution() const noexcept { return distribution_; }
    // "linux-headers-6.8.0-40-generic"
    [[nodiscard]] std::string package_with(Part part) const;

private:
    [[nodiscard]] std::string debian_package(Part part) const;
    [[nodiscard]] std::string ubuntu_package(Part part) const;
    [[nodiscard]] std::string fedora_package(Part part) const;
    [[nodiscard]] std::string suse_package(Part part) const;

    Distribution distribution_;
    std::string release_;
    std::string version_;     // of an rpm, with its architecture: "6.8.5-301.fc40.x86_64"
    std::string source_rpm_;  // "kernel-6.8.5-301.fc40.src.rpm"
    std::string variant_;     // "kernel", "kernel-rt"; SUSE's "kernel-default"
    std::string programs_package_;
    bool is_split_ = false;  // Debian's linux-binary-RELEASE is there, which leaves the modules to another package
};

}  // namespace klp::packages
