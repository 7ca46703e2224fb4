// SPDX-License-Identifier: GPL-2.0-or-later
// Unpacking archives of anybody's making: nothing is written outside of the folder, whatever they hold.
#pragma once

#include <functional>
#include <string_view>

#include "base/file.hpp"
#include "packages/archive_reader.hpp"

namespace klp::packages {

struct UnpackRules {
    // Which files are wanted, by their paths in the archive without "./" before them; empty: all.
    std::function<bool(std::string_view)> wanted{};
    bool strip_first = false;                  // the first folder of each path is left out, as in tarballs of sources
    std::uint64_t size_limit = 4'000'000'000;  // bytes of all files, unpacked
};

// `folder` is there, empty and nobody else's. Absolute links, and those that lead out of the folder, are left out:
// packages have them for files of other packages. Error: an entry that lies outside of the folder, a device, a hard
// link to what the archive has not, more than the limit, no space left, an archive that is cut short.
void unpack(ArchiveReader& archive, const fs::path& folder, const Location& where, const UnpackRules& rules);

// Removes the links below `folder` that lead out of it.
void remove_outward_links(const fs::path& folder);

}  // namespace klp::packages
