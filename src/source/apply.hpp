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
#include "source/patch.hpp"

namespace klp::source {

// A line that remembers where it stood in the unpatched file.
struct Line {
    std::string text;
    std::size_t original = 0;  // counts from 1; 0: the patches added it
};

struct PatchedFile {
    std::string path;  // in the tree
    bool existed = true;
    bool exists = true;
    std::string original;     // whole text before the patches
    std::vector<Line> lines;  // after them

    [[nodiscard]] std::string text() const;
    [[nodiscard]] bool is_changed() const { return existed != exists || text() != original; }
};

class PatchedFiles {
public:
    explicit PatchedFiles(fs::path tree) : tree_(std::move(tree)) {}

    // Applies one patch on what earlier ones left. Context must match exactly; a hunk may have moved, which is
    // noted. Findings (`build.patch`, `build.binary`, `build.rename`) name the line of the patch file.
    void apply(const Patch& patch, Diagnostics& diagnostics);

    [[nodiscard]] const std::map<std::string, PatchedFile>& files() const noexcept { return files_; }
    [[nodiscard]] const std::vector<std::string>& notes() const noexcept { return notes_; }

private:
    void apply_file(const Patch& patch, const FilePatch& file, Diagnostics& diagnostics);
    void apply_hunks(const Patch& patch, const FilePatch& file, PatchedFile& target, Diagnostics& diagnostics);
    [[nodiscard]] std::optional<std::string> path_in_tree(const FilePatch& file) const;
    [[nodiscard]] bool is_file(const std::string& path) const;
    PatchedFile& open(const std::string& path);

    fs::path tree_;
    std::map<std::string, PatchedFile> files_;
    std::vector<std::string> notes_;
};

}  // namespace klp::source
