// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/tree_paths.hpp"

#include <algorithm>

namespace klp::source {

std::optional<std::string> TreePaths::name_of(std::string_view written) const {
    const fs::path path(written);
    if (path.empty() || path.is_absolute() || !path.has_filename()) return std::nullopt;
    // What `..` behind a link means only the file system knows, and of a folder that is not there it knows nothing.
    const bool goes_up = std::ranges::find(path, fs::path("..")) != path.end();
    if (goes_up && !fs::is_directory(tree_ / path.parent_path())) return std::nullopt;
    const fs::path real = fs::weakly_canonical(tree_ / path);
    const auto [end, below] = std::ranges::mismatch(tree_, real);
    if (end != tree_.end() || below == real.end()) return std::nullopt;
    return real.lexically_relative(tree_).string();
}

std::string_view without_first_folder(std::string_view path) {
    const std::size_t slash = path.find('/');
    if (slash == std::string_view::npos) return {};
    return path.substr(std::min(path.find_first_not_of('/', slash), path.size()));
}

}  // namespace klp::source
