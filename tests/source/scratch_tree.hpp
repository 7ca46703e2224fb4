// SPDX-License-Identifier: GPL-2.0-or-later
// A tiny source tree.
#pragma once

#include <string>
#include <string_view>

#include "base/file.hpp"

namespace klp::source {

class ScratchTree {
public:
    void add(const std::string& path, std::string_view text) const {
        fs::create_directories((root() / path).parent_path());
        write_file(root() / path, text);
    }
    [[nodiscard]] const fs::path& root() const { return folder_.path(); }

private:
    TempDir folder_{"klp-test-tree"};
};

}  // namespace klp::source
