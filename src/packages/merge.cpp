// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/merge.hpp"

#include <vector>

namespace klp::packages {

void merge_tree(const fs::path& from, const fs::path& to) {
    fs::create_directories(to);
    std::vector<fs::path> entries;
    for (const auto& entry : fs::directory_iterator(from)) entries.push_back(entry.path());
    for (const fs::path& entry : entries) {
        const fs::path target = to / entry.filename();
        const fs::file_status there = fs::symlink_status(target);
        if (!fs::exists(there)) {
            fs::rename(entry, target);
        } else if (fs::is_directory(there) && fs::is_directory(fs::symlink_status(entry))) {
            merge_tree(entry, target);
        }
    }
}

}  // namespace klp::packages
