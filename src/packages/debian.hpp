// SPDX-License-Identifier: GPL-2.0-or-later
// Debian's package tools, driven as an ordinary user: what there is, downloading, unpacking.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/process.hpp"
#include "base/progress.hpp"
#include "packages/suite.hpp"

namespace klp::packages {

// One package in one version, as `apt-cache show` has it.
class Package {
public:
    [[nodiscard]] static std::optional<Package> parse(std::string_view record);

    [[nodiscard]] std::string_view field(std::string_view name) const;  // empty where there is none
    [[nodiscard]] std::string_view name() const { return field("Package"); }
    [[nodiscard]] std::string_view version() const { return field("Version"); }
    [[nodiscard]] std::uint64_t size() const;            // bytes of the .deb
    [[nodiscard]] std::uint64_t installed_size() const;  // bytes
    // Names in Depends, without versions; of alternatives the first.
    [[nodiscard]] std::vector<std::string_view> depends() const;
    // The source package of the kernel that the binaries were built from: "linux", or "linux-6.12" of a release that
    // has two. Signed images are built from a source package of their own, which names it in Built-Using. Error: none
    // is named.
    struct Source {
        std::string name, version;
    };
    [[nodiscard]] Source linux_source() const;

private:
    std::map<std::string, std::string, std::less<>> fields_;
};

// apt with the machine's package lists, or, after use_own_lists(), with lists of our own: machines are met
// that have none, or old ones, and only root may update those. Another architecture than the machine's ("ppc64el") is
// known to our own lists alone.
class Apt {
public:
    explicit Apt(std::string architecture = {});  // Error: not a machine with apt
    // With the lists of a suite, and nothing of what the machine's apt is told. They are not there before
    // use_own_lists().
    explicit Apt(Archive archive);

    // The candidate, or a version. nullopt where the lists have no package of exactly that name. Error: apt cannot say.
    [[nodiscard]] std::optional<Package> show(const std::string& name, std::string_view version = {}) const;
    // Names of packages that begin with `prefix`, by the numbers in them. Not all of them need be there to be had.
    [[nodiscard]] std::vector<std::string> names(std::string_view prefix) const;
    void use_own_lists(const Progress& progress);
    [[nodiscard]] bool has_own_lists() const noexcept { return !options_.empty(); }
    // The .deb in `folder`; apt checks size and hash.
    fs::path download(const Package& package, const fs::path& folder) const;
    // apt with the lists of source packages, of the same suite; for the machine's apt that is the machine's release, or
    // its backports where `version` is one of them. The lists are not there before use_own_lists().
    [[nodiscard]] Apt for_sources(std::string_view version) const;
    // What Debian adds to the upstream source ("linux_6.1.192-2.debian.tar.xz"), in `folder`; apt checks size and hash.
    // Precondition: the lists are of source packages.
    fs::path download_packaging(const Package::Source& source, const fs::path& folder) const;
    // Those packages ("gcc-14", or "gcc-14=14.2.0-19") and all that they depend on, as for a machine that has nothing.
    [[nodiscard]] std::vector<fs::path> download_all(const std::vector<std::string>& names,
                                                     const fs::path& folder) const;

private:
    [[nodiscard]] std::vector<std::string> command(std::string_view program) const;
    [[nodiscard]] fs::path own_state();
    void choose_suite(const fs::path& state);
    void update_suite(const fs::path& state);
    [[nodiscard]] CommandResult update() const;

    std::string architecture_;  // empty: the machine's
    std::optional<Archive> archive_;
    std::vector<std::string> options_;
    std::optional<TempDir> scratch_;  // for lists that the cache cannot keep
};

// "amd64", from dpkg.
[[nodiscard]] std::string debian_architecture();

void unpack_deb(const fs::path& deb, const fs::path& folder);

}  // namespace klp::packages
