// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/includes.hpp"

#include <algorithm>
#include <array>

#include "base/parallel.hpp"
#include "base/process.hpp"

namespace klp::source {
namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t';
}

// Whether `#`, alone on its line so far, stands before `at`.
bool follows_hash(std::string_view source, std::size_t at) {
    while (at > 0 && is_space(source[at - 1])) --at;
    if (at == 0 || source[at - 1] != '#') return false;
    for (--at; at > 0 && is_space(source[at - 1]);) --at;
    return at == 0 || source[at - 1] == '\n';
}

std::string_view file_name_of(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

std::string_view without_quotes(std::string_view include) {
    return include.substr(1, include.size() - 2);
}

// Folders of a tree that hold no kernel code.
bool is_outside_kernel(const fs::path& folder) {
    static constexpr std::array names = {"Documentation", "tools", "samples", "scripts", "rust", "LICENSES"};
    const std::string name = folder.filename();
    return name.starts_with('.') || std::ranges::find(names, name) != names.end();
}

bool is_source(const fs::path& path) {
    const std::string extension = path.extension();
    return extension == ".c" || extension == ".h" || extension == ".inc" || extension == ".def" || extension == ".S";
}

std::vector<std::string> source_files(const fs::path& tree) {
    std::vector<std::string> paths;
    const std::size_t prefix = tree.string().size() + 1;
    for (auto entry = fs::recursive_directory_iterator(tree); entry != fs::recursive_directory_iterator(); ++entry) {
        check_interrupted();
        if (entry.depth() == 0 && is_outside_kernel(entry->path())) entry.disable_recursion_pending();
        if (is_source(entry->path()) && entry->is_regular_file())
            paths.push_back(entry->path().string().substr(prefix));
    }
    return paths;
}

IncludeIndex::Files scan_tree(const fs::path& tree, unsigned jobs) {
    const auto paths = source_files(tree);
    std::vector<std::vector<std::string>> includes(paths.size());
    static constexpr std::size_t chunk = 256;
    parallel_for((paths.size() + chunk - 1) / chunk, jobs, [&](std::size_t index) {
        check_interrupted();
        for (std::size_t i = index * chunk; i < std::min(paths.size(), (index + 1) * chunk); ++i) {
            const MappedFile file(tree / paths[i]);
            for (const auto include : find_includes(as_text(file.bytes()))) includes[i].emplace_back(include);
        }
    });
    IncludeIndex::Files files;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        check_interrupted();
        files.emplace(paths[i], std::move(includes[i]));
    }
    return files;
}

// A path ends with what an include line says, at a folder's border; `..` before it may lead anywhere.
bool ends_with_path(std::string_view path, std::string_view include) {
    while (include.starts_with("../") || include.starts_with("./")) include.remove_prefix(include.find('/') + 1);
    return path == include || (path.ends_with(include) && path[path.size() - include.size() - 1] == '/');
}

}  // namespace

std::vector<std::string_view> find_includes(std::string_view source) {
    static constexpr std::string_view word = "include";
    const Bytes text = as_bytes(source);
    const Bytes needle = as_bytes(word);
    std::vector<std::string_view> found;
    for (auto at = klp::find(text, needle); at; at = klp::find(text, needle, *at + word.size())) {
        if (!follows_hash(source, *at)) continue;
        std::size_t begin = *at + word.size();
        while (begin < source.size() && is_space(source[begin])) ++begin;
        if (begin == source.size() || (source[begin] != '"' && source[begin] != '<')) continue;
        const std::size_t end = source.find_first_of(source[begin] == '"' ? "\"\n" : ">\n", begin + 1);
        if (end == std::string_view::npos || source[end] == '\n') continue;
        found.push_back(source.substr(begin, end + 1 - begin));
    }
    return found;
}

IncludeIndex IncludeIndex::scan(const std::vector<fs::path>& trees, unsigned jobs) {
    Files files;
    for (const auto& tree : trees) files.merge(scan_tree(tree, jobs));
    return IncludeIndex(std::move(files));
}

void IncludeIndex::replace(const std::string& path, std::string_view text) {
    std::vector<std::string> includes;
    for (const auto include : find_includes(text)) includes.emplace_back(include);
    files_[path] = std::move(includes);
}

IncludeIndex IncludeIndex::of_c_files() const {
    Files kept;
    std::set<std::string, std::less<>> headers;  // names of headers that lead to a .c file
    for (bool grown = true; grown;) {
        grown = false;
        for (const auto& [path, includes] : files_) {
            check_interrupted();
            for (const auto& include : includes) {
                const std::string name(without_quotes(include));
                if (!name.ends_with(".c") && !headers.contains(file_name_of(name))) continue;
                auto& list = kept[path];
                if (std::ranges::find(list, include) != list.end()) continue;
                list.push_back(include);
                const std::string beside = (fs::path(path).parent_path() / name).lexically_normal();
                if (files_.contains(beside)) kept.try_emplace(beside);
                grown |= !path.ends_with(".c") && headers.emplace(file_name_of(path)).second;
            }
        }
    }
    return IncludeIndex(std::move(kept));
}

IncludeIndex::LinesByName IncludeIndex::lines_by_name() const {
    LinesByName lines;
    for (const auto& [path, includes] : files_) {
        check_interrupted();
        for (const auto& include : includes) lines[file_name_of(without_quotes(include))].push_back({path, include});
    }
    return lines;
}

bool IncludeIndex::may_mean(const IncludeLine& line, const std::string& path) const {
    const std::string_view name = without_quotes(line.include);
    if (line.include.front() == '"') {
        const std::string beside = (fs::path(line.includer).parent_path() / name).lexically_normal();
        if (beside == path) return true;
        if (files_.contains(beside)) return false;
    }
    return ends_with_path(path, name);
}

std::set<std::string> IncludeIndex::sources_reaching(const std::string& path) const {
    const LinesByName lines = lines_by_name();
    std::set<std::string, std::less<>> seen = {path};
    std::vector<std::string> open = {path};
    std::set<std::string> sources;
    while (!open.empty()) {
        const std::string current = std::move(open.back());
        open.pop_back();
        const auto candidates = lines.find(file_name_of(current));
        if (candidates == lines.end()) continue;
        check_interrupted();
        for (const auto& line : candidates->second) {
            if (seen.contains(line.includer) || !may_mean(line, current)) continue;
            const std::string& includer = *seen.emplace(line.includer).first;
            open.push_back(includer);
            if (includer.ends_with(".c") || includer.ends_with(".S")) sources.insert(includer);
        }
    }
    return sources;
}

}  // namespace klp::source
