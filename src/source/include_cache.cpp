// SPDX-License-Identifier: GPL-2.0-or-later
// The include index of a kernel's tree, kept in its cache folder: the tree does not change, and reading its
// 60,000 files takes a second or more.
#include <optional>

#include "base/derived.hpp"
#include "base/process.hpp"
#include "base/stamp.hpp"
#include "base/text.hpp"
#include "source/includes.hpp"

namespace klp::source {
namespace {

constexpr std::string_view all_files = "includes";
constexpr std::string_view c_files = "includes-of-c-files";

// Another tree, or one that was configured otherwise, is not what was scanned.
DerivedFile cached(std::string_view kind, const kernel::Kernel& kernel, const SourceTree& tree) {
    const FileStamp configuration = FileStamp::of(tree.object_root() / "include/generated/autoconf.h");
    return kernel.derived(kind, {tree.root().string(), configuration.digest()});
}

std::vector<std::string> split_fields(std::string_view line) {
    std::vector<std::string> fields;
    for (std::size_t end = 0; end != std::string_view::npos; line.remove_prefix(end + 1)) {
        end = line.find('\t');
        fields.emplace_back(line.substr(0, end));
        if (end == std::string_view::npos) break;
    }
    return fields;
}

std::optional<IncludeIndex> load(const DerivedFile& file) {
    const auto text = file.load();
    if (!text) return std::nullopt;
    IncludeIndex::Files files;
    for (const auto line : lines_with_ends(*text)) {
        check_interrupted();
        auto fields = split_fields(without_newline(line));
        std::string name = std::move(fields.front());
        fields.erase(fields.begin());
        files.emplace(std::move(name), std::move(fields));
    }
    return IncludeIndex(std::move(files));
}

void save(const IncludeIndex& index, const DerivedFile& file) {
    std::string text;
    for (const auto& [name, includes] : index.files()) {
        check_interrupted();
        text += name;
        for (const auto& include : includes) text += "\t" + include;
        text += "\n";
    }
    file.store(text);
}

IncludeIndex scan_and_save(const kernel::Kernel& kernel, const SourceTree& tree, unsigned jobs) {
    std::vector<fs::path> roots = {tree.root()};
    if (tree.is_split()) roots.push_back(tree.object_root());  // generated headers
    IncludeIndex index = IncludeIndex::scan(roots, jobs);
    save(index, cached(all_files, kernel, tree));
    save(index.of_c_files(), cached(c_files, kernel, tree));
    return index;
}

}  // namespace

IncludeIndex all_includes(const kernel::Kernel& kernel, const SourceTree& tree, unsigned jobs) {
    if (auto index = load(cached(all_files, kernel, tree))) return *std::move(index);
    return scan_and_save(kernel, tree, jobs);
}

IncludeIndex included_c_files(const kernel::Kernel& kernel, const SourceTree& tree, unsigned jobs) {
    if (auto index = load(cached(c_files, kernel, tree))) return *std::move(index);
    return scan_and_save(kernel, tree, jobs).of_c_files();
}

}  // namespace klp::source
