// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/overlay.hpp"

#include <fmt/core.h>

#include <vector>

#include "base/errno_text.hpp"
#include "base/error.hpp"

namespace klp::source {

Overlay::Overlay(const fs::path& tree) : tree_(fs::canonical(tree)), scratch_("klp-overlay") {
    make_real({});
}

void Overlay::make_real(const fs::path& folder) {
    if (!real_.insert(folder).second) return;
    const fs::path target = root() / folder;
    if (!folder.empty()) {
        make_real(folder.parent_path());
        fs::remove(target);  // the link
        fs::create_directory(target);
    }
    if (!fs::is_directory(tree_ / folder)) return;  // a new folder
    for (const auto& entry : fs::directory_iterator(tree_ / folder)) {
        fs::create_symlink(entry.path(), target / entry.path().filename());
    }
}

void Overlay::write(const std::string& path, std::string_view text) {
    make_real(fs::path(path).parent_path());
    fs::remove(root() / path);
    write_file(root() / path, text);
    replaced_.insert(path);
}

void Overlay::hide(const std::string& path) {
    make_real(fs::path(path).parent_path());
    fs::remove(root() / path);
    replaced_.insert(path);
}

std::string Overlay::patched_text() const {
    std::string all;
    for (const std::string& path : replaced_) {
        const fs::path file = root() / path;
        const std::string text = fs::exists(file) ? read_text(file) : std::string();
        all += fmt::format("{} {} {}\n{}\n", path, fs::exists(file) ? "is" : "is not", text.size(), text);
    }
    return all;
}

void Overlay::make_folders_real(const std::string& path) {
    fs::path folder;
    for (const auto& part : fs::path(path).parent_path()) {
        folder = part == ".." ? folder.parent_path() : folder / part;
        make_real(folder);
    }
}

void Overlay::check_dependencies(const std::vector<std::string>& dependencies, const fs::path& directory,
                                 std::string_view unit) const {
    std::set<fs::path> names;
    for (const auto& path : replaced_) names.insert(fs::path(path).filename());
    for (const auto& dependency : dependencies) {
        if (!names.contains(fs::path(dependency).filename())) continue;
        std::error_code error;
        const fs::path real = fs::canonical(directory / dependency, error);
        if (error)
            throw Error({std::string(unit), {}, {}}, fmt::format("what it includes cannot be looked at: '{}': {}",
                                                                 dependency, errno_text(error.value())));
        const std::string in_tree = real.lexically_relative(tree_).string();
        if (!replaced_.contains(in_tree)) continue;
        throw Error({std::string(unit), {}, {}},
                    fmt::format("includes the unpatched {} by way of '{}'", in_tree, dependency), ExitCode::unsafe)
            .hint("this include path leaves the patched copy of the tree; patch the file that includes it as well");
    }
}

std::vector<std::string> read_dependency_file(const fs::path& path) {
    const std::string text = read_text(path);
    std::vector<std::string> words(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char next = i + 1 < text.size() ? text[i + 1] : '\0';
        if (text[i] == '\\' && next == '\n') {
            ++i;
            words.emplace_back();
        } else if (text[i] == '\\' && (next == ' ' || next == '#')) {
            words.back() += text[++i];
        } else if (text[i] == '$' && next == '$') {
            words.back() += text[++i];
        } else if (text[i] == ' ' || text[i] == '\n' || text[i] == '\t') {
            words.emplace_back();
        } else {
            words.back() += text[i];
        }
    }
    std::erase_if(words, [](const std::string& word) { return word.empty() || word.ends_with(':'); });
    return words;
}

}  // namespace klp::source
