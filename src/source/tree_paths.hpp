// SPDX-License-Identifier: GPL-2.0-or-later
// The one name that a file of a tree goes by, whatever it is called.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/file.hpp"

namespace klp::source {

class TreePaths {
public:
    explicit TreePaths(const fs::path& tree) : tree_(fs::canonical(tree)) {}

    // Without `.`, `..`, doubled slashes and symbolic links. The file, and the last folders on its way, may be new.
    // nullopt: the path is absolute, leads out of the tree, or goes up again from a folder that is not there.
    [[nodiscard]] std::optional<std::string> name_of(std::string_view written) const;

    [[nodiscard]] fs::path at(const std::string& name) const { return tree_ / name; }

private:
    fs::path tree_;
};

// Without its first folder and the slashes behind it, as `patch -p1` does; empty where there is no folder.
[[nodiscard]] std::string_view without_first_folder(std::string_view path);

}  // namespace klp::source
