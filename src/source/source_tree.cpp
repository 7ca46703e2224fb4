// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/source_tree.hpp"

#include <algorithm>

namespace klp::source {
namespace {

// The kernel's top Makefile (target `outputmakefile`) leaves a link `source` in a folder that O= names.
fs::path source_link(const fs::path& object_root) {
    return object_root / "source";
}

}  // namespace

SourceTree::SourceTree(const kernel::Kernel& kernel)
    : object_root_(fs::canonical(kernel.manifest().source)), root_(object_root_) {
    const fs::path link = source_link(object_root_);
    if (!fs::is_symlink(link) || !fs::is_regular_file(link / "Makefile")) return;
    root_ = fs::canonical(link);
    names_ = {root_.string(), fs::read_symlink(link).string()};
    // $(srctree) is `..` where the object tree is a folder of the source tree.
    if (object_root_.parent_path() == root_) names_.emplace_back("..");
}

std::size_t SourceTree::root_name_at(std::string_view path) const {
    for (const auto& name : names_) {
        if (path.starts_with(name) && (path.size() == name.size() || path[name.size()] == '/')) return name.size();
    }
    return 0;
}

std::string SourceTree::path_in_tree(const std::string& named) const {
    const std::size_t size = root_name_at(named);
    return size == 0 || size == named.size() ? named : named.substr(size + 1);
}

// A path begins a word, follows `=` (-fmacro-prefix-map=/src/=), or -I.
std::string SourceTree::moved(const std::string& word, const fs::path& other_root) const {
    std::size_t begin = 0;
    if (word.starts_with("-I")) begin = 2;
    if (word.starts_with("-f") || word.starts_with("-D")) begin = std::min(word.find('='), word.size() - 1) + 1;
    const std::size_t size = root_name_at(std::string_view(word).substr(begin));
    return size == 0 ? word : word.substr(0, begin) + other_root.string() + word.substr(begin + size);
}

}  // namespace klp::source
