// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/prepared_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/stamp.hpp"
#include "base/text.hpp"
#include "kernel/manifest.hpp"

namespace klp::kernel {

namespace {

constexpr std::array<std::string_view, 6> single_files{".config",
                                                       "include/config/auto.conf",
                                                       "Module.symvers",
                                                       "scripts/module.lds",
                                                       "scripts/recordmcount",
                                                       "tools/objtool/objtool"};

// Names of the user, the machine and the time, which every make writes anew; only the kernel's banner has them.
constexpr std::array<std::string_view, 2> of_every_make{"compile.h", "utsversion.h"};

DerivedFile note_of(const Manifest& manifest) {
    return {kernel_folder(manifest.name) / "prepared", "prepared", {manifest.source.string()}};
}

bool is_generated(const fs::path& file) {
    const std::string name = file.filename().string();
    return !name.starts_with('.') && std::ranges::find(of_every_make, name) == of_every_make.end();
}

void add_folder(const fs::path& tree, const fs::path& folder, std::vector<fs::path>& files) {
    if (!fs::is_directory(tree / folder)) return;
    for (const auto& entry : fs::recursive_directory_iterator(tree / folder)) {
        if (is_generated(entry.path()) && entry.is_regular_file())
            files.push_back(entry.path().lexically_relative(tree));
    }
}

// Debian's objtool is a wrapper around one for each architecture.
void add_objtools(const fs::path& tree, std::vector<fs::path>& files) {
    const fs::path folder = "tools/objtool";
    if (!fs::is_directory(tree / folder)) return;
    for (const auto& entry : fs::directory_iterator(tree / folder))
        if (entry.path().filename().string().starts_with("objtool.real-"))
            files.push_back(folder / entry.path().filename());
}

void add_plugins(const fs::path& tree, std::vector<fs::path>& files) {
    const fs::path folder = "scripts/gcc-plugins";
    if (!fs::is_directory(tree / folder)) return;
    for (const auto& entry : fs::directory_iterator(tree / folder))
        if (entry.path().extension() == ".so") files.push_back(folder / entry.path().filename());
}

std::optional<std::string> change_of(std::string_view line, const fs::path& tree) {
    auto stamp = FileStamp::parse(line);
    if (!stamp) return "what was noted of it is damaged";
    if (stamp->look() != FileStamp::Look::changed) return std::nullopt;
    std::error_code failure;
    return fmt::format("{} {}", stamp->path().lexically_relative(tree).string(),
                       fs::exists(stamp->path(), failure) ? "is not what it was" : "is gone");
}

// The same, with what the file system says now of files that were touched only.
std::string renewed(const std::string& note) {
    std::string text;
    for (const std::string_view line : lines_of(note)) {
        auto stamp = FileStamp::parse(line);
        if (!stamp || stamp->look() == FileStamp::Look::changed) return note;
        text += stamp->line() + "\n";
    }
    return text;
}

}  // namespace

std::vector<fs::path> generated_files(const fs::path& tree) {
    std::vector<fs::path> files;
    for (const std::string_view file : single_files)
        if (fs::is_regular_file(tree / file)) files.emplace_back(file);
    add_folder(tree, "include/generated", files);
    if (fs::is_directory(tree / "arch"))
        for (const auto& arch : fs::directory_iterator(tree / "arch"))
            add_folder(tree, arch.path().lexically_relative(tree) / "include/generated", files);
    add_plugins(tree, files);
    add_objtools(tree, files);
    std::ranges::sort(files);
    return files;
}

TreeLook look_at_tree(const Manifest& manifest) {
    const DerivedFile note = note_of(manifest);
    std::error_code failure;
    if (!fs::exists(note.path(), failure)) return {TreeLook::Result::not_noted, {}};
    const auto text = note.load();
    // What klp prepared itself, it can prepare again; of another's tree it can but note what is there.
    if (!text && !manifest.fetched) return {TreeLook::Result::not_noted, {}};
    if (!text) return {TreeLook::Result::changed, "what was noted of it is damaged"};
    if (text->empty()) return {TreeLook::Result::changed, "preparing it did not come to an end"};
    for (const std::string_view line : lines_of(*text))
        if (auto change = change_of(line, manifest.source)) return {TreeLook::Result::changed, *std::move(change)};
    if (const std::string now = renewed(*text); now != *text) note.store(now);
    return {};
}

void note_tree(const Manifest& manifest) {
    std::string text;
    for (const fs::path& file : generated_files(manifest.source))
        text += FileStamp::of(manifest.source / file).line() + "\n";
    note_of(manifest).store(text);
}

void note_unfinished_tree(const Manifest& manifest) {
    if (!note_of(manifest).store({}))
        throw Error({note_of(manifest).path().string(), "", {}}, "cannot be written: the kernel's folder is not ours");
}

}  // namespace klp::kernel
