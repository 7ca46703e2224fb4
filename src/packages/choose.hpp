// SPDX-License-Identifier: GPL-2.0-or-later
// Which packages make a kernel.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "packages/debian.hpp"

namespace klp::packages {

struct KernelPackages {
    std::vector<Package> image;     // the image and its modules: one package, or, of kernels from 6.19 on, two
    Package headers;                // .config, Module.symvers, generated headers
    std::optional<Package> kbuild;  // the programs that a build runs on this machine
    Package source;
    std::string featureset;  // "rt": of patches that the source has not (featureset.hpp); empty: it is whole
};

// Those of a release such as "6.1.0-56-amd64". Error: the lists have no such release, or not all of its packages.
[[nodiscard]] KernelPackages packages_of(const Apt& apt, const std::string& release);

// The release that the distribution's metapackage depends on. `wanted` is "newest", or "newest-FLAVOUR" ("newest-rt",
// "newest-cloud"). Error: there is no such flavour.
[[nodiscard]] std::string newest_release(const Apt& apt, std::string_view wanted);
[[nodiscard]] bool asks_for_newest(std::string_view wanted);

// "6.1" of "6.1.0-56-amd64".
[[nodiscard]] std::string series(std::string_view release);

// Bytes that a kernel's folder will need, unpacking included.
[[nodiscard]] std::uint64_t space_needed(const KernelPackages& packages);

}  // namespace klp::packages
