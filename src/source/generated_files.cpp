// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/generated_files.hpp"

#include <set>

#include "source/overlay.hpp"

namespace klp::source {

GeneratedFiles::GeneratedFiles(const kernel::Kbuild& kbuild, fs::path tree)
    : kbuild_(kbuild), tree_(std::move(tree)), made_("klp-generated") {}

std::optional<fs::path> GeneratedFiles::folder_with(const std::string& name, const std::string& source) const {
    if (fs::path(name).filename() != name) return std::nullopt;
    const std::lock_guard guard(lock_);
    for (fs::path folder = fs::path(source).parent_path(); !folder.empty(); folder = folder.parent_path()) {
        const bool is_new = tried_.insert(folder / name).second;
        if (fs::exists(made_.path() / folder / name) || (is_new && make(folder.string(), name)))
            return made_.path() / folder;
    }
    return std::nullopt;
}

bool GeneratedFiles::has_made_any() const {
    const std::lock_guard guard(lock_);
    return !fs::is_empty(made_.path());
}

bool GeneratedFiles::make(const std::string& folder, const std::string& name) const {
    if (!kbuild_.has_makefile(folder)) return false;
    // Rules write into their own folder, which is a real one there.
    Overlay copy(tree_);
    copy.make_folders_real(folder + "/" + name);
    kernel::MakeResult result = kbuild_.make(folder, folder + "/" + name, copy.root());
    std::set<std::string> programs;
    while (!result.program.empty() && programs.insert(result.program).second) {
        copy.make_folders_real(result.program);
        if (!kbuild_.make(fs::path(result.program).parent_path().string(), result.program, copy.root()).is_made) break;
        result = kbuild_.make(folder, folder + "/" + name, copy.root());
    }
    if (!result.is_made) return false;
    if (!fs::is_regular_file(copy.root() / folder / name)) return false;
    // With what the rule has made beside it: security/selinux/av_permissions.h has none of its own.
    fs::create_directories(made_.path() / folder);
    for (const auto& entry : fs::directory_iterator(copy.root() / folder))
        if (entry.is_regular_file() && !entry.is_symlink())
            fs::copy_file(entry.path(), made_.path() / folder / entry.path().filename(),
                          fs::copy_options::skip_existing);
    return true;
}

std::optional<std::string> missing_file(std::string_view errors) {
    constexpr std::string_view before = ": fatal error: ", after = ": No such file or directory";
    const std::size_t at = errors.find(before);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view rest = errors.substr(at + before.size());
    const std::string_view line = rest.substr(0, rest.find('\n'));
    if (!line.ends_with(after)) return std::nullopt;
    return std::string(line.substr(0, line.size() - after.size()));
}

}  // namespace klp::source
