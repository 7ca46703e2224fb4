// SPDX-License-Identifier: GPL-2.0-or-later
// Headers and parts of sources that makefiles make while the kernel is built (security/selinux/flask.h,
// lib/crc32table.h): a prepared tree does not have them. They are made in a copy of the tree's folder.
#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/file.hpp"
#include "kernel/kbuild.hpp"

namespace klp::source {

class GeneratedFiles {
public:
    // `tree` is in the place of the source tree, and stays as it is.
    GeneratedFiles(const kernel::Kbuild& kbuild, fs::path tree);

    // A folder that has the file which `source` includes as `name`, if the Makefile of the source's folder, or of one
    // above it, makes one. May be called for several sources at once.
    [[nodiscard]] std::optional<fs::path> folder_with(const std::string& name, const std::string& source) const;

    [[nodiscard]] bool has_made_any() const;

    // Of all such folders.
    [[nodiscard]] const fs::path& root() const noexcept { return made_.path(); }

private:
    [[nodiscard]] bool make(const std::string& folder, const std::string& name) const;

    const kernel::Kbuild& kbuild_;
    fs::path tree_;
    TempDir made_;
    mutable std::mutex lock_;
    mutable std::set<fs::path> tried_;  // in the tree
};

// The file that the compiler says it has not found; nullopt where it ended for another reason.
[[nodiscard]] std::optional<std::string> missing_file(std::string_view errors);

}  // namespace klp::source
