// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/include_scan.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <unordered_set>

#include "base/parallel.hpp"
#include "base/process.hpp"

namespace klp::source {
namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t';
}

// Whether `#`, alone on its line so far, stands before `at`.
bool is_directive(std::string_view source, std::size_t at) {
    while (at > 0 && is_space(source[at - 1])) --at;
    if (at == 0 || source[at - 1] != '#') return false;
    for (--at; at > 0 && is_space(source[at - 1]);) --at;
    return at == 0 || source[at - 1] == '\n';
}

// Folders of a tree that hold no kernel code.
bool is_outside_kernel(const std::string& name) {
    static constexpr std::array names = {"Documentation", "tools", "rust", "LICENSES"};
    return name.starts_with('.') || std::ranges::find(names, name) != names.end();
}

bool is_source(std::string_view name) {
    static constexpr std::array<std::string_view, 7> endings = {".c", ".h", ".inc", ".def", ".S", ".lut", ".uc"};
    return std::ranges::any_of(endings, [&](std::string_view ending) { return name.ends_with(ending); });
}

bool may_have_options(std::string_view name) {
    return name.starts_with("Makefile") || name.starts_with("Kbuild");
}

// The files of a tree, told by their kind.
struct TreeFiles {
    std::vector<std::string> sources;
    std::vector<std::string> makefiles;
    std::vector<std::string> others;
};

// Folders of other architectures are kept apart, by name.
using FilesByArch = std::map<std::string, TreeFiles, std::less<>>;

FilesByArch list_tree(const fs::path& tree) {
    FilesByArch files;
    const std::size_t prefix = tree.string().size() + 1;
    for (auto entry = fs::recursive_directory_iterator(tree); entry != fs::recursive_directory_iterator(); ++entry) {
        if (entry->is_directory()) {
            if (entry.depth() == 0 && is_outside_kernel(entry->path().filename())) entry.disable_recursion_pending();
            continue;
        }
        if (!entry->is_regular_file()) continue;
        const std::string path = entry->path().string().substr(prefix);
        const std::string name = entry->path().filename();
        constexpr std::string_view arch = "arch/";
        const bool is_of_arch = path.starts_with(arch) && path.find('/', arch.size()) != std::string::npos;
        auto& list = files[is_of_arch ? path.substr(arch.size(), path.find('/', arch.size()) - arch.size()) : ""];
        if (is_source(name)) {
            list.sources.push_back(path);
        } else if (may_have_options(name)) {
            list.makefiles.push_back(path);
        } else {
            list.others.push_back(path);
        }
    }
    return files;
}

// Reads files side by side; `use` is called for one at a time.
void read_all(const fs::path& tree, const std::vector<std::string>& paths, unsigned jobs,
              const std::function<void(const std::string&, std::string_view)>& use) {
    static constexpr std::size_t chunk = 256;
    parallel_for((paths.size() + chunk - 1) / chunk, jobs, [&](std::size_t index) {
        check_interrupted();
        for (std::size_t i = index * chunk; i < std::min(paths.size(), (index + 1) * chunk); ++i) {
            const MappedFile file(tree / paths[i]);
            use(paths[i], as_text(file.bytes()));
        }
    });
}

class TreeScanner {
public:
    TreeScanner(fs::path tree, std::string_view source_arch, unsigned jobs)
        : tree_(std::move(tree)), arch_(source_arch), jobs_(jobs), listed_(list_tree(tree_)) {}

    void scan() {
        for (const auto& [arch, of_arch] : listed_)
            if (arch.empty() || arch_.empty() || arch == arch_) add(of_arch);
        for (bool grown = !arch_.empty(); grown;) {
            grown = false;
            for (const auto& [arch, of_arch] : listed_) {
                if (arch.empty() || arch == arch_ || added_.contains(arch) || !is_mentioned(arch)) continue;
                added_.insert(arch);
                add(of_arch);
                grown = true;
            }
        }
        add_included_others();
    }

    void definitions(const std::set<std::string, std::less<>>& wanted, const DefinitionSink& sink) const {
        std::mutex lock;
        read_all(tree_, sources_, jobs_, [&](const std::string& path, std::string_view text) {
            for (const auto& definition : find_definitions(text, wanted)) {
                if (is_trace_name(definition.name) && names_itself(path, text)) continue;
                const std::lock_guard guard(lock);
                sink(path, definition);
            }
        });
        for (const auto& path : makefiles_) {
            const std::string text = read_text(tree_ / path);
            for (const auto& definition : find_options(text, wanted).definitions)
                sink(std::string(IncludeIndex::command_line), definition);
        }
    }

    IncludeIndex::Files files;
    std::map<std::string, std::vector<std::string>> expressions;  // of computed includes, by file

private:
    void add(const TreeFiles& found) {
        add_sources(found.sources);
        makefiles_.insert(makefiles_.end(), found.makefiles.begin(), found.makefiles.end());
        others_.insert(others_.end(), found.others.begin(), found.others.end());
        auto& forced = files[std::string(IncludeIndex::command_line)].names;
        for (const auto& path : found.makefiles) {
            const std::string text = read_text(tree_ / path);
            for (const auto& name : find_options(text, {}).included)
                if (is_source(name)) forced.push_back("<" + name + ">");
            if (path.starts_with("arch/")) makefile_text_ += text;
        }
        std::ranges::sort(forced);
        const auto end = std::unique(forced.begin(), forced.end());
        forced.erase(end, forced.end());
    }

    void add_sources(const std::vector<std::string>& paths) {
        std::mutex lock;
        read_all(tree_, paths, jobs_, [&](const std::string& path, std::string_view text) {
            FileIncludes includes = find_includes(text);
            const std::lock_guard guard(lock);
            for (const auto& name : includes.names) {
                names_.insert(name.substr(1, name.size() - 2));
                if (path.starts_with("arch/")) names_of_arch_.insert(name.substr(1, name.size() - 2));
            }
            files[path].names = std::move(includes.names);
            if (!includes.computed.empty()) expressions[path] = std::move(includes.computed);
        });
        sources_.insert(sources_.end(), paths.begin(), paths.end());
    }

    // Whether a path in what was read leads into arch/`arch`.
    [[nodiscard]] bool is_mentioned(const std::string& arch) const {
        const std::string folder = "/" + arch + "/";
        if (makefile_text_.find(folder) != std::string::npos) return true;
        const auto leads_there = [&](const std::string& name) {
            return name.find("arch" + folder) != std::string::npos;
        };
        const auto leads_beside = [&](const std::string& name) {
            return name.find(".." + folder) != std::string::npos;
        };
        return std::ranges::any_of(names_, leads_there) || std::ranges::any_of(names_of_arch_, leads_beside);
    }

    // Files of any other kind that are included, and what those include.
    void add_included_others() {
        for (bool grown = true; grown;) {
            std::unordered_set<std::string> wanted;
            for (const auto& name : names_) wanted.insert(fs::path(name).filename());
            std::vector<std::string> found;
            for (const auto& path : others_)
                if (wanted.contains(fs::path(path).filename()) && !files.contains(path)) found.push_back(path);
            grown = !found.empty();
            add_sources(found);
        }
    }

    fs::path tree_;
    std::string arch_;
    unsigned jobs_;
    FilesByArch listed_;
    std::set<std::string> added_;  // other architectures
    std::vector<std::string> sources_, makefiles_, others_;
    std::set<std::string> names_;          // that are included
    std::set<std::string> names_of_arch_;  // by files of arch/
    std::string makefile_text_;            // of the architecture
};

}  // namespace

FileIncludes find_includes(std::string_view source) {
    static constexpr std::string_view word = "include";
    const Bytes text = as_bytes(source);
    const Bytes needle = as_bytes(word);
    FileIncludes found;
    for (auto at = klp::find(text, needle); at; at = klp::find(text, needle, *at + word.size())) {
        if (!is_directive(source, *at)) continue;
        std::size_t begin = *at + word.size();
        static constexpr std::string_view next = "_next";
        if (source.substr(begin).starts_with(next)) begin += next.size();
        const std::size_t end_of_word = begin;
        while (begin < source.size() && is_space(source[begin])) ++begin;
        if (begin == source.size()) break;
        const std::size_t end_of_line = std::min(source.find('\n', begin), source.size());
        const char first = source[begin];
        if (first == '"' || first == '<') {
            const std::size_t end = source.find(first == '"' ? '"' : '>', begin + 1);
            if (end < end_of_line) found.names.emplace_back(source.substr(begin, end + 1 - begin));
        } else if (begin > end_of_word && begin < end_of_line) {
            found.computed.emplace_back(source.substr(begin, end_of_line - begin));
        }
    }
    return found;
}

IncludeIndex IncludeIndex::scan(const std::vector<fs::path>& trees, std::string_view source_arch, unsigned jobs) {
    std::vector<TreeScanner> scanners;
    Files files;
    std::map<std::string, std::vector<std::string>> expressions;
    for (const auto& tree : trees) {
        auto& scanner = scanners.emplace_back(tree, source_arch, jobs);
        scanner.scan();
        const auto forced = std::move(scanner.files[std::string(command_line)].names);
        scanner.files.erase(std::string(command_line));
        auto& all = files[std::string(command_line)].names;
        all.insert(all.end(), forced.begin(), forced.end());
        files.merge(scanner.files);
        expressions.merge(scanner.expressions);
    }
    add_parts(files, expressions, [&](const auto& wanted, const DefinitionSink& sink) {
        for (const auto& scanner : scanners) scanner.definitions(wanted, sink);
    });
    return IncludeIndex(std::move(files));
}

IncludeIndex IncludeIndex::with(const std::map<std::string, std::string>& texts) const {
    Files files = this->files();
    for (const auto& [path, text] : texts) {
        File file;
        FileIncludes includes = find_includes(text);
        file.names = std::move(includes.names);
        files[path] = std::move(file);
    }
    return IncludeIndex(std::move(files));
}

}  // namespace klp::source
