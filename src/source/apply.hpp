// SPDX-License-Identifier: GPL-2.0-or-later
// Patches put on the files of a source tree, in memory.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.hpp"
#include "base/file.hpp"
#include "source/hunks.hpp"
#include "source/patch.hpp"
#include "source/tree_paths.hpp"

namespace klp::source {

struct PatchedFile {
    std::string path;  // in the tree, as TreePaths names it
    bool existed = true;
    bool exists = true;
    std::string original;     // whole text before the patches
    std::vector<Line> lines;  // after them

    [[nodiscard]] std::string text() const;
    [[nodiscard]] bool is_changed() const { return existed != exists || text() != original; }
};

class PatchedFiles {
public:
    explicit PatchedFiles(const fs::path& tree) : tree_(tree) {}

    // Applies one patch on what earlier ones left. Context must match exactly; a hunk may have moved, which is
    // noted. A patch may name a file in several ways. Findings (`build.patch`, `build.binary`, `build.rename`) name the
    // line of the patch file.
    void apply(const Patch& patch, Diagnostics& diagnostics);

    [[nodiscard]] const std::map<std::string, PatchedFile>& files() const noexcept { return files_; }
    [[nodiscard]] const std::vector<std::string>& notes() const noexcept { return notes_; }

private:
    void apply_file(const Patch& patch, const FilePatch& file, Diagnostics& diagnostics);
    void apply_hunks(const Patch& patch, const FilePatch& file, PatchedFile& target, Diagnostics& diagnostics);
    void refuse_path(const Patch& patch, const FilePatch& file, Diagnostics& diagnostics) const;
    [[nodiscard]] std::optional<std::string> path_in_tree(const FilePatch& file) const;
    [[nodiscard]] bool is_file(const std::string& path) const;
    PatchedFile& open(const std::string& path);

    TreePaths tree_;
    std::map<std::string, PatchedFile> files_;
    std::vector<std::string> notes_;
};

}  // namespace klp::source
