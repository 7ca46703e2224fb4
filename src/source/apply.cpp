// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/apply.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/process.hpp"
#include "base/text.hpp"

namespace klp::source {
namespace {

Location location(const Patch& patch, std::size_t line) {
    return {fmt::format("{}:{}", patch.name, line), {}, {}};
}

bool is_applied_already(const FilePatch& file, LineFinder& finder) {
    return !file.hunks.empty() && std::ranges::all_of(file.hunks, [&](const Hunk& hunk) {
        const auto after = lines_after(hunk);
        return !after.empty() && finder.find(after, hunk.new_start == 0 ? 0 : hunk.new_start - 1, 0).at.has_value();
    });
}

// What the file has where the hunk's first differing line should be. `grown`: lines that earlier hunks have added.
std::string first_difference(const std::vector<Line>& file, const Hunk& hunk, std::size_t at, std::ptrdiff_t grown) {
    const auto expected = lines_before(hunk);
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const std::ptrdiff_t number = static_cast<std::ptrdiff_t>(at + i + 1) + grown;
        if (at + i >= file.size())
            return fmt::format("line {} is expected to be '{}', but the file ends before it", number,
                               without_newline(expected[i]));
        if (file[at + i].text == expected[i]) continue;
        if (without_newline(file[at + i].text) == without_newline(expected[i])) {
            return fmt::format("line {} differs in its newline at the end of the file", number);
        }
        return fmt::format("line {} is expected to be '{}', but is '{}'", number, without_newline(expected[i]),
                           without_newline(file[at + i].text));
    }
    return {};
}

// Finds the hunks of one file in it, one after the other.
class Placer {
public:
    Placer(const Patch& patch, const FilePatch& file, const PatchedFile& target)
        : patch_(patch), file_(file), target_(target), finder_(target.lines) {}

    // One each; fewer than there are hunks where one was not found, which `diagnostics` tells then.
    std::vector<std::size_t> places(std::vector<std::string>& notes, Diagnostics& diagnostics) {
        std::vector<std::size_t> places;
        for (const auto& hunk : file_.hunks) {
            check_interrupted();
            const auto stated = static_cast<std::ptrdiff_t>(stated_place(hunk));
            const auto wanted = static_cast<std::size_t>(std::max<std::ptrdiff_t>(stated + offset_, 0));
            const Place place = finder_.find(lines_before(hunk), wanted, begin_);
            if (!place.at) {
                report(hunk, wanted, place.is_tie, diagnostics);
                return places;
            }
            offset_ = static_cast<std::ptrdiff_t>(*place.at) - stated;
            if (offset_ != 0)
                notes.push_back(fmt::format("{}:{}: hunk {} applied to {} with an offset of {} lines", patch_.name,
                                            hunk.patch_line, hunk.number, target_.path, offset_));
            places.push_back(*place.at);
            begin_ = *place.at + hunk.old_count;
            grown_ += static_cast<std::ptrdiff_t>(hunk.new_count) - static_cast<std::ptrdiff_t>(hunk.old_count);
        }
        return places;
    }

private:
    void report(const Hunk& hunk, std::size_t wanted, bool is_tie, Diagnostics& diagnostics) {
        const std::string why = is_tie ? fmt::format("fits equally near above and below line {}",
                                                     static_cast<std::ptrdiff_t>(wanted + 1) + grown_)
                                       : "does not apply";
        Finding& finding =
            diagnostics.error("build.patch", location(patch_, hunk.patch_line),
                              fmt::format("hunk {} of {} ({}) {}", hunk.number, file_.hunks.size(), target_.path, why));
        if (!is_tie) finding.note(first_difference(target_.lines, hunk, wanted, grown_));
        if (is_applied_already(file_, finder_))
            finding.hint(fmt::format("{} seems to have this change already", target_.path));
    }

    const Patch& patch_;
    const FilePatch& file_;
    const PatchedFile& target_;
    LineFinder finder_;
    std::size_t begin_ = 0;      // hunks come in order: the next one lies behind the one before
    std::ptrdiff_t grown_ = 0;   // lines that earlier hunks add to the file
    std::ptrdiff_t offset_ = 0;  // how far the last hunk lay from its header's place
};

}  // namespace

std::string PatchedFile::text() const {
    std::string text;
    for (const auto& line : lines) text += line.text;
    return text;
}

void PatchedFiles::apply(const Patch& patch, Diagnostics& diagnostics) {
    for (const auto& file : patch.files) {
        check_interrupted();
        apply_file(patch, file, diagnostics);
    }
}

bool PatchedFiles::is_file(const std::string& path) const {
    const auto known = files_.find(path);
    return known != files_.end() ? known->second.exists : fs::is_regular_file(tree_.at(path));
}

// With the first folder stripped as `patch -p1` does, else as it is written (-p0): whichever exists.
std::optional<std::string> PatchedFiles::path_in_tree(const FilePatch& file) const {
    const std::string_view path = file.path();
    for (const auto written : {without_first_folder(path), path, without_first_folder(file.old_path)}) {
        auto name = tree_.name_of(written);
        if (name && is_file(*name)) return name;
    }
    if (!file.is_created) return std::nullopt;
    auto stripped = tree_.name_of(without_first_folder(path));
    const auto whole = tree_.name_of(path);
    for (const auto& name : {stripped, whole}) {
        if (name && fs::is_directory(tree_.at(*name).parent_path())) return name;
    }
    return stripped;
}

PatchedFile& PatchedFiles::open(const std::string& path) {
    const auto known = files_.find(path);
    if (known != files_.end()) return known->second;
    PatchedFile file;
    file.path = path;
    file.existed = file.exists = fs::is_regular_file(tree_.at(path));
    if (file.existed) file.original = read_text(tree_.at(path));
    for (const auto line : lines_with_ends(file.original))
        file.lines.push_back({std::string(line), file.lines.size() + 1});
    return files_.emplace(path, std::move(file)).first->second;
}

void PatchedFiles::refuse_path(const Patch& patch, const FilePatch& file, Diagnostics& diagnostics) const {
    const Location where = location(patch, file.patch_line);
    const std::string_view stripped = without_first_folder(file.path());
    if (!tree_.name_of(file.path()) || (!stripped.empty() && !tree_.name_of(stripped))) {
        diagnostics.error("build.patch", where, fmt::format("'{}' leads out of the kernel's source tree", file.path()))
            .hint("make the patch in the top folder of the kernel source, so that its paths are a/… and b/…");
        return;
    }
    diagnostics.error("build.patch", where, fmt::format("no file '{}' in the kernel's source tree", file.path()))
        .hint("make the patch in the top folder of the kernel source, so that its paths are a/… and b/…");
}

void PatchedFiles::apply_file(const Patch& patch, const FilePatch& file, Diagnostics& diagnostics) {
    const Location where = location(patch, file.patch_line);
    if (file.is_binary) {
        diagnostics
            .error("build.binary", where, fmt::format("a binary diff of '{}': only text can be patched", file.path()))
            .hint("leave that file out of the patch");
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
    if (!path) return refuse_path(patch, file, diagnostics);
    if (file.hunks.empty()) {
        if (file.mode_changed)
            notes_.push_back(fmt::format("{}: only the mode changes, which is nothing to a running kernel", *path));
        if (!file.is_created && !file.is_deleted) return;
    }
    PatchedFile& target = open(*path);
    if (file.is_created && target.exists && !target.lines.empty()) {
        diagnostics.error("build.patch", where, fmt::format("the patch creates '{}', which exists", *path))
            .hint("make the patch against this kernel's source");
        return;
    }
    target.exists = true;
    apply_hunks(patch, file, target, diagnostics);
    if (file.is_deleted) target.exists = false;
}

void PatchedFiles::apply_hunks(const Patch& patch, const FilePatch& file, PatchedFile& target,
                               Diagnostics& diagnostics) {
    const auto places = Placer(patch, file, target).places(notes_, diagnostics);
    if (places.size() < file.hunks.size()) return;
    target.lines = with_hunks(std::move(target.lines), file.hunks, places);
}

}  // namespace klp::source
