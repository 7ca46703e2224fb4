// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/patch_headers.hpp"

namespace klp::source {

void write_patch_headers(const fs::path& folder) {
    for (const EmbeddedFile& header : patch_headers()) {
        const fs::path path = folder / header.path;
        fs::create_directories(path.parent_path());
        write_file(path, header.text);
    }
}

}  // namespace klp::source
