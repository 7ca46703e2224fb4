// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/apply.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.hpp"

namespace klp::source {
namespace {

using Kind = HunkLine::Kind;

Location location(const Patch& patch, std::size_t line) {
    return {fmt::format("{}:{}", patch.name, line), {}, {}};
}

// The lines that a hunk wants to find; `reversed`: those it leaves.
std::vector<std::string_view> expected_lines(const Hunk& hunk, bool reversed = false) {
    const Kind absent = reversed ? Kind::removed : Kind::added;
    std::vector<std::string_view> lines;
    for (const auto& line : hunk.lines) {
        if (line.kind != absent) lines.emplace_back(line.text);
    }
    return lines;
}

bool matches(const std::vector<Line>& file, const std::vector<std::string_view>& expected, std::size_t at) {
    if (at + expected.size() > file.size()) return false;
    return std::equal(expected.begin(), expected.end(), file.begin() + static_cast<std::ptrdiff_t>(at),
                      [](std::string_view want, const Line& have) { return want == have.text; });
}

struct Place {
    std::optional<std::size_t> at;  // index of the first line
    bool is_tie = false;            // two places are equally near
};

// The place nearest to `wanted`, not before `begin`.
Place find_place(const std::vector<Line>& file, const std::vector<std::string_view>& expected, std::size_t wanted,
                 std::size_t begin) {
    if (wanted >= begin && matches(file, expected, wanted)) return {wanted, false};
    // Without a line to recognise, only the very place that the header names will do.
    if (expected.empty()) return {};
    for (std::size_t distance = 1; distance <= file.size() + wanted; ++distance) {
        const bool below = wanted + distance >= begin && matches(file, expected, wanted + distance);
        const bool above = wanted >= begin + distance && matches(file, expected, wanted - distance);
        if (below && above) return {{}, true};
        if (below) return {wanted + distance, false};
        if (above) return {wanted - distance, false};
    }
    return {};
}

// Index of the first line of a hunk; `@@ -N,0` means "after line N" (diff(1), "Detailed Unified").
std::size_t first_index(const Hunk& hunk) {
    if (hunk.old_count == 0) return hunk.old_start;
    return hunk.old_start == 0 ? 0 : hunk.old_start - 1;
}

void replace_lines(std::vector<Line>& file, const Hunk& hunk, std::size_t at) {
    std::vector<Line> result;
    std::size_t from = at;
    for (const auto& line : hunk.lines) {
        if (line.kind == Kind::context) result.push_back(file[from]);
        if (line.kind == Kind::added) result.push_back({line.text, 0});
        if (line.kind != Kind::added) ++from;
    }
    const auto begin = file.begin() + static_cast<std::ptrdiff_t>(at);
    const auto after = file.erase(begin, file.begin() + static_cast<std::ptrdiff_t>(from));
    file.insert(after, result.begin(), result.end());
}

bool is_applied_already(const FilePatch& file, const std::vector<Line>& lines) {
    return !file.hunks.empty() && std::all_of(file.hunks.begin(), file.hunks.end(), [&](const Hunk& hunk) {
        const auto after = expected_lines(hunk, true);
        return !after.empty() &&
               find_place(lines, after, hunk.new_start == 0 ? 0 : hunk.new_start - 1, 0).at.has_value();
    });
}

// What the file has where the hunk's first differing line should be.
std::string first_difference(const std::vector<Line>& file, const Hunk& hunk, std::size_t at) {
    const auto expected = expected_lines(hunk);
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (at + i >= file.size())
            return fmt::format("line {} is expected to be '{}', but the file ends before it", at + i + 1,
                               without_newline(expected[i]));
        if (file[at + i].text == expected[i]) continue;
        if (without_newline(file[at + i].text) == without_newline(expected[i])) {
            return fmt::format("line {} differs in its newline at the end of the file", at + i + 1);
        }
        return fmt::format("line {} is expected to be '{}', but is '{}'", at + i + 1, without_newline(expected[i]),
                           without_newline(file[at + i].text));
    }
    return {};
}

// `path` without its first folder.
std::string strip_first(const std::string& path) {
    const std::size_t slash = path.find('/');
    return slash == std::string::npos ? std::string() : path.substr(slash + 1);
}

bool leaves_tree(const std::string& path) {
    if (path.empty() || path.front() == '/') return true;
    const fs::path parts(path);
    return std::find(parts.begin(), parts.end(), fs::path("..")) != parts.end();
}

}  // namespace

std::string PatchedFile::text() const {
    std::string text;
    for (const auto& line : lines) text += line.text;
    return text;
}

void PatchedFiles::apply(const Patch& patch, Diagnostics& diagnostics) {
    for (const auto& file : patch.files) apply_file(patch, file, diagnostics);
}

bool PatchedFiles::is_file(const std::string& path) const {
    if (leaves_tree(path)) return false;
    const auto known = files_.find(path);
    return known != files_.end() ? known->second.exists : fs::is_regular_file(tree_ / path);
}

// With the first folder stripped as `patch -p1` does, else as it is written (-p0): whichever exists.
std::optional<std::string> PatchedFiles::path_in_tree(const FilePatch& file) const {
    const std::string& path = file.path();
    for (const auto& name : {strip_first(path), path, strip_first(file.old_path)}) {
        if (is_file(name)) return name;
    }
    if (!file.is_created) return std::nullopt;
    for (const auto& name : {strip_first(path), path}) {
        if (!leaves_tree(name) && fs::is_directory(tree_ / fs::path(name).parent_path())) return name;
    }
    return leaves_tree(strip_first(path)) ? std::nullopt : std::optional(strip_first(path));
}

PatchedFile& PatchedFiles::open(const std::string& path) {
    const auto known = files_.find(path);
    if (known != files_.end()) return known->second;
    PatchedFile file;
    file.path = path;
    file.existed = file.exists = fs::is_regular_file(tree_ / path);
    if (file.existed) file.original = read_text(tree_ / path);
    for (const auto line : lines_with_ends(file.original))
        file.lines.push_back({std::string(line), file.lines.size() + 1});
    return files_.emplace(path, std::move(file)).first->second;
}

void PatchedFiles::apply_file(const Patch& patch, const FilePatch& file, Diagnostics& diagnostics) {
    const Location where = location(patch, file.patch_line);
    if (file.is_binary) {
        diagnostics.error("build.binary", where,
                          fmt::format("a binary diff of '{}': only text can be patched", file.path()));
        return;
    }
    if (file.is_renamed) {
        diagnostics
            .error("build.rename", where,
                   fmt::format("'{}' is renamed or copied to '{}'", file.old_path, file.new_path))
            .hint(
                "make the patch without renames (git diff --no-renames) and leave out moved files: a livepatch "
                "replaces functions where they are");
        return;
    }
    const auto path = path_in_tree(file);
    if (!path) {
        diagnostics.error("build.patch", where, fmt::format("no file '{}' in the kernel's source tree", file.path()))
            .hint("make the patch in the top folder of the kernel source, so that its paths are a/… and b/…");
        return;
    }
    if (file.hunks.empty()) {
        if (file.mode_changed)
            notes_.push_back(fmt::format("{}: only the mode changes, which is nothing to a running kernel", *path));
        if (!file.is_created && !file.is_deleted) return;
    }
    PatchedFile& target = open(*path);
    if (file.is_created && target.exists && !target.lines.empty()) {
        diagnostics.error("build.patch", where, fmt::format("the patch creates '{}', which exists", *path));
        return;
    }
    target.exists = true;
    apply_hunks(patch, file, target, diagnostics);
    if (file.is_deleted) target.exists = false;
}

void PatchedFiles::apply_hunks(const Patch& patch, const FilePatch& file, PatchedFile& target,
                               Diagnostics& diagnostics) {
    const std::vector<Line> before = target.lines;
    std::size_t begin = 0;      // hunks come in order: the next one lies behind the one before
    std::ptrdiff_t grown = 0;   // lines that earlier hunks added to the file
    std::ptrdiff_t offset = 0;  // how far the last hunk lay from its header's place
    for (const auto& hunk : file.hunks) {
        const std::ptrdiff_t stated = static_cast<std::ptrdiff_t>(first_index(hunk)) + grown;
        const auto wanted = static_cast<std::size_t>(std::max<std::ptrdiff_t>(stated + offset, 0));
        const Place place = find_place(target.lines, expected_lines(hunk), wanted, begin);
        if (!place.at) {
            Finding& finding = diagnostics.error(
                "build.patch", location(patch, hunk.patch_line),
                fmt::format("hunk {} of {} ({}) {}", hunk.number, file.hunks.size(), target.path,
                            place.is_tie ? fmt::format("fits equally near above and below line {}", wanted + 1)
                                         : "does not apply"));
            if (!place.is_tie) finding.note(first_difference(target.lines, hunk, wanted));
            if (is_applied_already(file, before))
                finding.hint(fmt::format("{} seems to have this change already", target.path));
            target.lines = before;
            return;
        }
        offset = static_cast<std::ptrdiff_t>(*place.at) - stated;
        if (offset != 0) {
            notes_.push_back(fmt::format("{}:{}: hunk {} applied to {} with an offset of {} lines", patch.name,
                                         hunk.patch_line, hunk.number, target.path, offset));
        }
        replace_lines(target.lines, hunk, *place.at);
        begin = *place.at + hunk.new_count;
        grown += static_cast<std::ptrdiff_t>(hunk.new_count) - static_cast<std::ptrdiff_t>(hunk.old_count);
    }
}

}  // namespace klp::source
