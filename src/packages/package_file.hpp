// SPDX-License-Identifier: GPL-2.0-or-later
// Packages as files: .deb and .rpm, of any distribution.
#pragma once

#include <string>
#include <string_view>

#include "base/file.hpp"
#include "packages/unpack.hpp"

namespace klp::packages {

class PackageFile {
public:
    enum class Format { deb, rpm, source_rpm };

    // Error: neither a .deb nor an .rpm, or one that is cut short.
    explicit PackageFile(const fs::path& path);

    [[nodiscard]] const fs::path& path() const noexcept { return file_.path(); }
    [[nodiscard]] Location where() const { return {path().string(), "", {}}; }
    [[nodiscard]] Format format() const noexcept { return format_; }
    [[nodiscard]] bool is_rpm() const noexcept { return format_ != Format::deb; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const std::string& version() const noexcept { return version_; }  // of rpms with the release
    // Empty for one that is of no architecture: Debian's "all", rpm's "noarch", sources.
    [[nodiscard]] const std::string& arch() const noexcept { return arch_; }
    // Who made it, in their own words: Maintainer, or Vendor.
    [[nodiscard]] const std::string& maker() const noexcept { return maker_; }
    // The file "kernel-6.8.5-301.fc40.src.rpm" for an rpm, itself, too; for a .deb the version of the sources.
    [[nodiscard]] const std::string& source() const noexcept { return source_; }
    // Debian's field of that name; empty for an rpm.
    [[nodiscard]] const std::string& depends() const noexcept { return depends_; }
    // As it is called in its distribution: "linux-headers-6.8.0-40-generic_6.8.0-40.40_amd64",
    // "kernel-devel-6.8.5-301.fc40.x86_64".
    [[nodiscard]] const std::string& full_name() const noexcept { return full_name_; }

    // `folder` is there and empty (unpack.hpp, which has the errors).
    void unpack_to(const fs::path& folder, const UnpackRules& rules) const;

private:
    void read_deb();
    void read_rpm_file();

    MappedFile file_;
    Format format_ = Format::deb;
    std::string name_, version_, arch_, maker_, source_, depends_, full_name_;
    Bytes payload_;
};

}  // namespace klp::packages
