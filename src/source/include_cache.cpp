// SPDX-License-Identifier: GPL-2.0-or-later
// The include index of a kernel's tree, kept in its cache folder: the tree does not change, and reading its
// 60,000 files takes some seconds.
//
// A line has a file and, after tabs, its fields: names with their quotes, `!` where it has a computed
// include, parts for computed includes after `=`.
#include <fmt/core.h>

#include <optional>

#include "base/derived.hpp"
#include "base/process.hpp"
#include "base/stamp.hpp"
#include "base/text.hpp"
#include "source/includes.hpp"

namespace klp::source {
namespace {

constexpr std::string_view index_kind = "include-name-parts";
constexpr std::string_view computed_mark = "!";
constexpr std::string_view c_files_kind = "c-files-included";

std::vector<std::string> split_fields(std::string_view line) {
    std::vector<std::string> fields;
    for (std::size_t end = 0; end != std::string_view::npos; line.remove_prefix(end + 1)) {
        end = line.find('\t');
        fields.emplace_back(line.substr(0, end));
        if (end == std::string_view::npos) break;
    }
    return fields;
}

IncludeIndex parse_index(std::string_view text) {
    IncludeIndex::Files files;
    for (const auto line : lines_with_ends(text)) {
        check_interrupted();
        const auto fields = split_fields(without_newline(line));
        IncludeIndex::File& file = files[fields.front()];
        for (auto field = fields.begin() + 1; field != fields.end(); ++field) {
            if (*field == computed_mark) {
                file.has_computed = true;
            } else if (field->starts_with('=')) {
                file.parts.push_back(field->substr(1));
            } else {
                file.names.push_back(*field);
            }
        }
    }
    return IncludeIndex(std::move(files));
}

std::string index_text(const IncludeIndex& index) {
    std::string text;
    for (const auto& [path, file] : index.files()) {
        check_interrupted();
        text += path;
        for (const auto& name : file.names) text += "\t" + name;
        if (file.has_computed) text += fmt::format("\t{}", computed_mark);
        for (const auto& part : file.parts) text += "\t=" + part;
        text += "\n";
    }
    return text;
}

IncludedCFiles parse_c_files(std::string_view text) {
    IncludedCFiles files;
    for (const auto line : lines_with_ends(text)) {
        const auto fields = split_fields(without_newline(line));
        files.emplace(fields.front(), std::set(fields.begin() + 1, fields.end()));
    }
    return files;
}

std::string c_files_text(const IncludedCFiles& files) {
    std::string text;
    for (const auto& [path, sources] : files) {
        text += path;
        for (const auto& source : sources) text += "\t" + source;
        text += "\n";
    }
    return text;
}

IncludeIndex index_of(const kernel::Kernel& kernel, const SourceTree& tree, unsigned jobs) {
    const DerivedFile file = kept_of_tree(index_kind, kernel, tree);
    if (const auto text = file.load()) return parse_index(*text);
    std::vector<fs::path> roots = {tree.root()};
    if (tree.is_split()) roots.push_back(tree.object_root());  // generated headers
    IncludeIndex index = IncludeIndex::scan(roots, kernel.arch().source_folder(), jobs);
    file.store(index_text(index));
    return index;
}

}  // namespace

DerivedFile kept_of_tree(std::string_view kind, const kernel::Kernel& kernel, const SourceTree& tree) {
    const FileStamp configuration = FileStamp::of(tree.object_root() / "include/generated/autoconf.h");
    return kernel.derived(kind, {tree.root().string(), configuration.digest()});
}

IncludeIndex all_includes(const kernel::Kernel& kernel, const SourceTree& tree, unsigned jobs,
                          const std::map<std::string, std::string>& added) {
    IncludeIndex index = index_of(kernel, tree, jobs);
    return added.empty() ? std::move(index) : index.with(added);
}

IncludedCFiles included_c_files(const kernel::Kernel& kernel, const SourceTree& tree, unsigned jobs) {
    const DerivedFile file = kept_of_tree(c_files_kind, kernel, tree);
    if (const auto text = file.load()) return parse_c_files(*text);
    IncludedCFiles files = index_of(kernel, tree, jobs).included_c_files();
    file.store(c_files_text(files));
    return files;
}

}  // namespace klp::source
