// SPDX-License-Identifier: GPL-2.0-or-later
// The prepared source tree with some files replaced: a folder of symbolic links to it. Only the folders on the
// way to a replaced file are real, so that relative paths mean the same in both and the tree stays untouched.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/file.hpp"

namespace klp::source {

class Overlay {
public:
    explicit Overlay(const fs::path& tree);

    [[nodiscard]] const fs::path& root() const noexcept { return scratch_.path(); }

    // `path` as in the tree, without `..`; the file may be new.
    void write(const std::string& path, std::string_view text);
    // The file is not there for the compiler.
    void hide(const std::string& path);
    // What was written and hidden, as one text: two overlays of a tree that have the same one are the same.
    [[nodiscard]] std::string patched_text() const;
    // Makes each folder on the way to `path` real, for paths with `..`, which the system resolves physically.
    void make_folders_real(const std::string& path);

    // Error where one of `dependencies` (as the compiler named them in `directory`) leads through a link to the tree's
    // own version of a file that was replaced or hidden, or cannot be looked at.
    void check_dependencies(const std::vector<std::string>& dependencies, const fs::path& directory,
                            std::string_view unit) const;

private:
    void make_real(const fs::path& folder);

    fs::path tree_;
    TempDir scratch_;
    std::set<fs::path> real_;
    std::set<std::string> replaced_;
};

// The prerequisites in a dependency file as GCC writes it with -MMD, without the first (the unit itself stays).
[[nodiscard]] std::vector<std::string> read_dependency_file(const fs::path& path);

}  // namespace klp::source
