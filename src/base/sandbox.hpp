// SPDX-License-Identifier: GPL-2.0-or-later
// Programs of another distribution: they see its root as their file system, a few folders of this machine, and no
// network. bubblewrap does it, for ordinary users, too.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"

namespace klp {

struct Sandbox {
    fs::path root;  // its /usr, /etc and the like are seen, read only
    // Folders of this machine, at the same paths, whatever the root has there or around them.
    std::vector<fs::path> readable;
    std::vector<fs::path> writable;  // the same; they win over readable ones around them
};

// A path that holds inside of `root`, without links, and without a slash at the start: links are followed inside.
// nullopt: there is no end of links.
[[nodiscard]] std::optional<fs::path> followed_in(const fs::path& root, const fs::path& path);

// What is to be run for `program`, whose first word is looked up in the root's own PATH. Folders that are not there are
// left out. Error: bubblewrap is not installed, the root cannot be read.
[[nodiscard]] std::vector<std::string> sandboxed(const Sandbox& sandbox, const std::vector<std::string>& program);

}  // namespace klp
