// SPDX-License-Identifier: GPL-2.0-or-later
// Patch files: unified diffs as git, diff -u, quilt and mail programs write them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace klp::source {

struct HunkLine {
    enum class Kind { context, removed, added };
    Kind kind = Kind::context;
    std::string text;  // with its newline, which only the last line of a file can lack
};

struct Hunk {
    std::size_t old_start = 0;  // line numbers count from 1, as in the `@@` line
    std::size_t old_count = 0;
    std::size_t new_start = 0;
    std::size_t new_count = 0;
    std::size_t number = 1;      // among the hunks of its file
    std::size_t patch_line = 0;  // of its `@@` in the patch file
    std::vector<HunkLine> lines;
};

// What a patch does to one file. Paths are as written, with their a/ and b/; empty for /dev/null.
struct FilePatch {
    std::string old_path;
    std::string new_path;
    bool is_created = false;
    bool is_deleted = false;
    bool is_renamed = false;  // or copied
    bool is_binary = false;
    bool mode_changed = false;
    std::size_t patch_line = 0;  // where it begins in the patch file
    std::vector<Hunk> hunks;

    [[nodiscard]] const std::string& path() const noexcept { return new_path.empty() ? old_path : new_path; }
};

struct Patch {
    std::string name;  // of the patch file, for messages
    std::vector<FilePatch> files;
};

// Text around the diffs (mail headers, commit messages, signatures) is skipped. Error (`NAME:LINE: …`): no diff
// in it, a damaged hunk, a diff of another kind than unified.
[[nodiscard]] Patch parse_patch(std::string_view text, std::string name);

}  // namespace klp::source
