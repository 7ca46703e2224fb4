// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/object_names.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace klp::source {
namespace {

// Whether the Makefile of `folder` reaches beside its own folder, for one named `name` among others.
bool reaches_to(const fs::path& folder, const std::string& name) {
    const fs::path makefile = folder / "Makefile";
    if (!fs::is_regular_file(makefile)) return false;
    const std::string text = read_text(makefile);
    return text.find("..") != std::string::npos && text.find(name) != std::string::npos;
}

}  // namespace

std::string object_of(std::string_view source) {
    return std::string(source.substr(0, source.size() - 1)) + "o";
}

bool is_of_other_arch(std::string_view source, std::string_view source_arch) {
    return source.starts_with("arch/") && !source.starts_with(fmt::format("arch/{}/", source_arch));
}

std::vector<std::string> objects_by_other_folders(const fs::path& tree, std::string_view source,
                                                  std::string_view source_arch) {
    const fs::path object = object_of(source);
    // KVM's common code is a part of each architecture's (virt/kvm/Makefile.kvm).
    if (source.starts_with("virt/kvm/")) return {fmt::format("arch/{}/kvm/../../../{}", source_arch, object.string())};
    std::vector<std::string> names;
    for (fs::path folder = object.parent_path(); folder.has_parent_path(); folder = folder.parent_path()) {
        for (const auto& sibling : fs::directory_iterator(tree / folder.parent_path())) {
            if (!sibling.is_directory() || sibling.path().filename() == folder.filename()) continue;
            if (!reaches_to(sibling.path(), folder.filename())) continue;
            const fs::path by = folder.parent_path() / sibling.path().filename() / "..";
            names.push_back((by / object.lexically_relative(folder.parent_path())).string());
        }
    }
    std::ranges::sort(names);
    return names;
}

}  // namespace klp::source
