// SPDX-License-Identifier: GPL-2.0-or-later
// The packages of one kernel, unpacked.
#pragma once

#include <list>
#include <string>
#include <vector>

#include "base/progress.hpp"
#include "packages/layout.hpp"

namespace klp::packages {

class PackageSet {
public:
    // Unpacks them below `scratch`; what is in none of them of a kernel, `progress` tells. Error: one is no package, or
    // damaged; they are not of one kernel.
    PackageSet(const std::vector<fs::path>& files, const fs::path& scratch, const Progress& progress);

    [[nodiscard]] const std::string& release() const noexcept { return release_; }
    [[nodiscard]] const std::vector<UnpackedPackage>& packages() const noexcept { return packages_; }
    // As the packages have it: "amd64", "x86_64".
    [[nodiscard]] std::string arch() const;
    // The source package that is an rpm with patches; nullptr where there is none.
    [[nodiscard]] const PackageFile* source_rpm() const noexcept { return source_rpm_; }
    // A part that one of the packages has; empty where none has it.
    [[nodiscard]] fs::path find(fs::path Contents::*part) const;

    // Error: parts are missing, with the packages that have them. The source is not asked for where the user has it.
    void check_complete(bool needs_source) const;

private:
    void open(const std::vector<fs::path>& files);
    void check_formats() const;
    void unpack_all(const fs::path& scratch, const Progress& progress);
    void check_belonging() const;
    void check_sources() const;
    void check_releases();
    void check_featureset() const;
    [[nodiscard]] bool has(Part part) const;

    std::list<PackageFile> files_;
    std::vector<UnpackedPackage> packages_;
    const PackageFile* source_rpm_ = nullptr;
    std::string release_;
};

}  // namespace klp::packages
