// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/includes.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "source/include_scan.hpp"

namespace klp::source {
namespace {

std::string_view without_quotes(std::string_view include) {
    return include.substr(1, include.size() - 2);
}

// A path ends with what an include line says, at a folder's border; `..` before it may lead anywhere.
bool ends_with_path(std::string_view path, std::string_view include) {
    while (include.starts_with("../") || include.starts_with("./")) include.remove_prefix(include.find('/') + 1);
    return path == include || (path.ends_with(include) && path[path.size() - include.size() - 1] == '/');
}

// "arm64" for a file below arch/arm64/.
std::string_view arch_folder(std::string_view path) {
    constexpr std::string_view arch = "arch/";
    if (!path.starts_with(arch)) return {};
    path.remove_prefix(arch.size());
    return path.substr(0, path.find('/'));
}

}  // namespace

std::string_view file_name_of(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

// What units are made from; of .uc files, scripts make several C files each.
bool is_code(std::string_view path) {
    return path.ends_with(".c") || path.ends_with(".S") || path.ends_with(".uc");
}

bool may_mean(std::string_view includer, std::string_view name, std::string_view path,
              const std::function<bool(const std::string&)>& exists) {
    const std::string_view written = without_quotes(name);
    if (name.front() == '"') {
        const std::string beside = (fs::path(includer).parent_path() / written).lexically_normal();
        if (beside == path) return true;
        if (exists(beside)) return false;
    }
    if (!ends_with_path(path, written)) return false;
    // No include path leads from one architecture's folder into another's; a name may.
    const auto from = arch_folder(includer);
    const auto to = arch_folder(path);
    return from.empty() || to.empty() || from == to || written.find("../") != std::string_view::npos ||
           written.find("arch/") != std::string_view::npos;
}

// Who includes, by what.
class IncludeIndex::Graph {
public:
    explicit Graph(Files files) : files_(std::move(files)) {
        for (const auto& [path, file] : files_) {
            for (const auto& name : file.names) lines_[file_name_of(without_quotes(name))].push_back({path, name});
            if (file.has_computed) computed_.push_back(path);
            for (const auto& word : file.words) bringers_[word].push_back(path);
        }
    }

    [[nodiscard]] const Files& files() const noexcept { return files_; }

    [[nodiscard]] std::set<std::string> sources_reaching(const std::set<std::string>& paths) const {
        std::set<std::string_view> seen(paths.begin(), paths.end());
        std::vector<std::string_view> open(paths.begin(), paths.end());
        const auto meet = [&](std::string_view includer) {
            if (seen.insert(includer).second) open.push_back(includer);
        };
        while (!open.empty()) {
            const std::string_view current = open.back();
            open.pop_back();
            if (const auto lines = lines_.find(file_name_of(current)); lines != lines_.end())
                for (const auto& line : lines->second)
                    if (!seen.contains(line.includer) && means(line, current)) meet(line.includer);
            for (const auto bringer : bringers_of(current)) {
                // Every unit has what options define: the others are those that include by macros.
                if (bringer != command_line) meet(bringer);
                for (const auto includer : bringer == command_line ? computed_ : Paths()) meet(includer);
            }
        }
        std::set<std::string> sources;
        const bool is_for_all = seen.contains(command_line);
        for (const auto file : seen)
            if (is_code(file) && !paths.contains(std::string(file))) sources.emplace(file);
        if (!is_for_all) return sources;
        for (const auto& [file, includes] : files_)
            if (is_code(file) && !paths.contains(std::string(file))) sources.insert(file);
        return sources;
    }

    [[nodiscard]] IncludedCFiles included_c_files() const {
        IncludedCFiles included;
        for (const auto& [path, file] : files_) {
            if (!path.ends_with(".c")) continue;
            if (!lines_.contains(file_name_of(path)) && bringers_of(path).empty()) continue;
            auto sources = sources_reaching({path});
            if (!sources.empty()) included.emplace(path, std::move(sources));
        }
        return included;
    }

private:
    using Paths = std::vector<std::string_view>;
    // The texts belong to `files_`.
    struct IncludeLine {
        std::string_view includer;
        std::string_view name;  // with quotes
    };

    [[nodiscard]] bool means(const IncludeLine& line, std::string_view path) const {
        return may_mean(line.includer, line.name, path,
                        [&](const std::string& other) { return files_.contains(other); });
    }

    // Those who bring a word, or the rarest of the words that pasting (##) can make it of; nothing where nobody can.
    [[nodiscard]] Paths bringers_of_word(std::string_view word) const {
        Paths bringers;
        if (const auto whole = bringers_.find(word); whole != bringers_.end()) bringers = whole->second;
        for (std::size_t size = 1; size < word.size(); ++size) {
            const auto first = bringers_.find(word.substr(0, size));
            if (first == bringers_.end()) continue;
            const Paths rest = bringers_of_word(word.substr(size));
            if (rest.empty()) continue;
            const Paths& rarer = rest.size() < first->second.size() ? rest : first->second;
            bringers.insert(bringers.end(), rarer.begin(), rarer.end());
        }
        std::ranges::sort(bringers);
        const auto end = std::unique(bringers.begin(), bringers.end());
        bringers.erase(end, bringers.end());
        return bringers;
    }

    // A .c file is named in one place: its words are too common for each of them to count.
    [[nodiscard]] Paths bringers_of_all(const std::vector<std::string_view>& words) const {
        std::map<std::string_view, std::size_t> counts;
        const std::set<std::string_view> different(words.begin(), words.end());
        for (const auto word : different)
            if (const auto found = bringers_.find(word); found != bringers_.end())
                for (const auto bringer : found->second) ++counts[bringer];
        Paths bringers;
        for (const auto& [bringer, count] : counts)
            if (count == different.size()) bringers.push_back(bringer);
        return bringers;
    }

    // Whoever includes a file by way of a macro includes a file that brings the rarest word of its name.
    [[nodiscard]] Paths bringers_of(std::string_view path) const {
        if (path.ends_with(".c")) return bringers_of_all(words_of(file_name_of(path)));
        std::optional<Paths> rarest;
        for (const auto word : words_of(file_name_of(path))) {
            Paths bringers = bringers_of_word(word);
            if (!rarest || bringers.size() < rarest->size()) rarest = std::move(bringers);
            if (rarest->empty()) break;
        }
        return rarest.value_or(Paths());
    }

    Files files_;
    std::unordered_map<std::string_view, std::vector<IncludeLine>> lines_;  // by the last component of what they name
    Paths computed_;                                                        // that have a computed include
    std::unordered_map<std::string_view, Paths> bringers_;                  // by word
};

IncludeIndex::IncludeIndex(Files files) : graph_(std::make_unique<Graph>(std::move(files))) {}
IncludeIndex::~IncludeIndex() = default;
IncludeIndex::IncludeIndex(IncludeIndex&&) noexcept = default;
IncludeIndex& IncludeIndex::operator=(IncludeIndex&&) noexcept = default;

const IncludeIndex::Files& IncludeIndex::files() const noexcept {
    return graph_->files();
}

std::set<std::string> IncludeIndex::sources_reaching(const std::string& path) const {
    return graph_->sources_reaching({path});
}

std::set<std::string> IncludeIndex::sources_reaching(const std::set<std::string>& paths) const {
    return graph_->sources_reaching(paths);
}

IncludedCFiles IncludeIndex::included_c_files() const {
    return graph_->included_c_files();
}

}  // namespace klp::source
