// SPDX-License-Identifier: GPL-2.0-or-later
// The include index of a kernel's tree, kept in its cache folder: the tree does not change, and reading its
// 60,000 files takes a second or more.
#include <fmt/core.h>

#include <optional>

#include "base/text.hpp"
#include "source/includes.hpp"

namespace klp::source {
namespace {

// Another tree, or one that was prepared again, is not what was scanned.
std::string stamp(const SourceTree& tree) {
    const auto time = fs::last_write_time(tree.object_root() / "include/generated/autoconf.h");
    return fmt::format("klp includes 2\t{}\t{}\n", tree.root().string(), time.time_since_epoch().count());
}

// A table that was cut short would be one of a tree with fewer files.
std::string with_checksum(const std::string& lines, const std::string& stamp) {
    return fmt::format("{}{}\n{}", stamp, sha256_hex(as_bytes(lines)), lines);
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

std::optional<IncludeIndex> load(const fs::path& path, const std::string& expected_stamp) {
    if (!fs::is_regular_file(path)) return std::nullopt;
    const std::string text = read_text(path);
    const std::size_t head_size = with_checksum({}, expected_stamp).size();
    if (text.size() < head_size || text != with_checksum(text.substr(head_size), expected_stamp)) return std::nullopt;
    IncludeIndex::Files files;
    for (const auto line : lines_with_ends(std::string_view(text).substr(head_size))) {
        auto fields = split_fields(without_newline(line));
        std::string name = std::move(fields.front());
        fields.erase(fields.begin());
        files.emplace(std::move(name), std::move(fields));
    }
    return IncludeIndex(std::move(files));
}

void save(const IncludeIndex& index, const fs::path& path, const std::string& stamp) {
    std::string text;
    for (const auto& [name, includes] : index.files()) {
        text += name;
        for (const auto& include : includes) text += "\t" + include;
        text += "\n";
    }
    write_file(path, with_checksum(text, stamp));
}

IncludeIndex scan_and_save(const kernel::Kernel& kernel, const SourceTree& tree, unsigned jobs) {
    std::vector<fs::path> roots = {tree.root()};
    if (tree.is_split()) roots.push_back(tree.object_root());  // generated headers
    IncludeIndex index = IncludeIndex::scan(roots, jobs);
    save(index, kernel.cache_folder() / "includes", stamp(tree));
    save(index.of_c_files(), kernel.cache_folder() / "includes-of-c-files", stamp(tree));
    return index;
}

}  // namespace

IncludeIndex all_includes(const kernel::Kernel& kernel, const SourceTree& tree, unsigned jobs) {
    if (auto index = load(kernel.cache_folder() / "includes", stamp(tree))) return *std::move(index);
    return scan_and_save(kernel, tree, jobs);
}

IncludeIndex included_c_files(const kernel::Kernel& kernel, const SourceTree& tree, unsigned jobs) {
    if (auto index = load(kernel.cache_folder() / "includes-of-c-files", stamp(tree))) return *std::move(index);
    return scan_and_save(kernel, tree, jobs).of_c_files();
}

}  // namespace klp::source
