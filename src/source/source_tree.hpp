// SPDX-License-Identifier: GPL-2.0-or-later
// Where the sources of a kernel are, and how its compile commands name them.
//
// A kernel is built in its source tree, or in a folder of its own (make O=): then the prepared tree of the
// catalogue is that folder, generated files are in it, and commands reach the sources by $(srctree).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "kernel/kernel.hpp"

namespace klp::source {

class SourceTree {
public:
    explicit SourceTree(const kernel::Kernel& kernel);

    [[nodiscard]] const fs::path& root() const noexcept { return root_; }
    [[nodiscard]] const fs::path& object_root() const noexcept { return object_root_; }
    [[nodiscard]] bool is_split() const noexcept { return root_ != object_root_; }

    // The path in the source tree of a file that kbuild names relative to the object tree, or absolute. It may
    // have `..` in it.
    [[nodiscard]] std::string path_in_tree(const std::string& named) const;

    // A word of a compile command with the source tree's place, by whichever name, replaced by `other_root`.
    // Words of a kernel that is built in its source tree stay: commands are then run in the other root.
    [[nodiscard]] std::string moved(const std::string& word, const fs::path& other_root) const;

private:
    // What stands for the source tree at the beginning of a path in a command: its size, 0 for nothing.
    [[nodiscard]] std::size_t root_name_at(std::string_view path) const;

    fs::path object_root_;
    fs::path root_;
    std::vector<std::string> names_;  // of root_ in commands, without a final slash; empty unless split
};

}  // namespace klp::source
