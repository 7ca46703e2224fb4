// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/includes.hpp"

#include <algorithm>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "source/include_scan.hpp"

namespace klp::source {
namespace {

std::string_view without_quotes(std::string_view include) {
    return include.substr(1, include.size() - 2);
}

// "arm64" for a file below arch/arm64/.
std::string_view arch_folder(std::string_view path) {
    constexpr std::string_view arch = "arch/";
    if (!path.starts_with(arch)) return {};
    path.remove_prefix(arch.size());
    return path.substr(0, path.find('/'));
}

}  // namespace

bool ends_with_path(std::string_view path, std::string_view include) {
    while (include.starts_with("../") || include.starts_with("./")) include.remove_prefix(include.find('/') + 1);
    return path == include || (path.ends_with(include) && path[path.size() - include.size() - 1] == '/');
}

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
            for (const auto& part : file.parts) bringers_[part].push_back(path);
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

    struct Bringers {
        Paths paths;
        std::size_t includers = 0;  // files that reach one of them
    };

    [[nodiscard]] bool means(const IncludeLine& line, std::string_view path) const {
        return may_mean(line.includer, line.name, path,
                        [&](const std::string& other) { return files_.contains(other); });
    }

    // Those who bring a part as it is, or its word for any place.
    [[nodiscard]] Paths bringers_of_whole(std::string_view part) const {
        Paths bringers;
        for (const auto each : {part, word_of_part(part)}) {
            const auto found = bringers_.find(each);
            if (found != bringers_.end()) bringers.insert(bringers.end(), found->second.begin(), found->second.end());
            if (each == word_of_part(part)) break;
        }
        return bringers;
    }

    // Those who bring a part, or the rarest of the words that pasting (##) can make it of; nothing where nobody can.
    [[nodiscard]] Paths bringers_of_pasted(std::string_view part) const {
        Paths bringers = bringers_of_whole(part);
        const Paths pasters = bringers_of_whole(pasting);
        if (pasters.empty()) return bringers;
        const std::size_t begin = part.size() - word_of_part(part).size();
        for (std::size_t size = begin + 1; size < part.size(); ++size) {
            const Paths first = bringers_of_whole(part.substr(0, size));
            if (first.empty()) continue;
            const Paths rest = bringers_of_pasted(part.substr(size));
            if (rest.empty()) continue;
            const Paths& rarest = std::min({std::cref(first), std::cref(rest), std::cref(pasters)},
                                           [](const Paths& a, const Paths& b) { return a.size() < b.size(); });
            bringers.insert(bringers.end(), rarest.begin(), rarest.end());
        }
        std::ranges::sort(bringers);
        const auto end = std::unique(bringers.begin(), bringers.end());
        bringers.erase(end, bringers.end());
        return bringers;
    }

    // A .c file is named in one place: its words are too common for each of them to count.
    [[nodiscard]] Paths bringers_of_all(const std::vector<std::string>& parts) const {
        std::map<std::string_view, std::size_t> counts;
        const std::set<std::string_view> different(parts.begin(), parts.end());
        for (const auto part : different) {
            const Paths bringers = bringers_of_whole(part);
            for (const auto bringer : std::set(bringers.begin(), bringers.end())) ++counts[bringer];
        }
        Paths bringers;
        for (const auto& [bringer, count] : counts)
            if (count == different.size()) bringers.push_back(bringer);
        return bringers;
    }

    // Files that reach one of these by names that stand there, without macros.
    [[nodiscard]] std::size_t count_includers(const Paths& paths) const {
        std::set<std::string_view> seen(paths.begin(), paths.end());
        if (seen.contains(command_line)) return files_.size();
        Paths open = paths;
        while (!open.empty()) {
            const std::string_view current = open.back();
            open.pop_back();
            const auto lines = lines_.find(file_name_of(current));
            if (lines == lines_.end()) continue;
            for (const auto& line : lines->second)
                if (!seen.contains(line.includer) && means(line, current)) {
                    seen.insert(line.includer);
                    open.push_back(line.includer);
                }
        }
        return seen.size();
    }

    [[nodiscard]] const Bringers& bringers_of_part(const std::string& part) const {
        const std::lock_guard guard(lock_);
        const auto [found, is_new] = known_.try_emplace(part);
        if (is_new) {
            found->second.paths = bringers_of_pasted(part);
            found->second.includers = count_includers(found->second.paths);
        }
        return found->second;
    }

    // Whoever includes a file by way of a macro includes a file that brings each word of its name: the word is taken
    // that the fewest can have. `trace.h` gets its `h` from define_trace.h, as every trace header does, and few say
    // `trace`.
    [[nodiscard]] Paths bringers_of(std::string_view path) const {
        if (path.ends_with(".c")) return bringers_of_all(name_parts(file_name_of(path)));
        const Bringers* fewest = nullptr;
        for (const auto& part : name_parts(file_name_of(path))) {
            const Bringers& bringers = bringers_of_part(part);
            if (bringers.paths.empty()) return {};
            if (fewest == nullptr || bringers.includers < fewest->includers) fewest = &bringers;
        }
        return fewest == nullptr ? Paths() : fewest->paths;
    }

    Files files_;
    std::unordered_map<std::string_view, std::vector<IncludeLine>> lines_;  // by the last component of what they name
    Paths computed_;                                                        // that have a computed include
    std::unordered_map<std::string_view, Paths> bringers_;                  // by part
    mutable std::mutex lock_;
    mutable std::map<std::string, Bringers> known_;  // by part of a file's name; found out when it is asked for
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
