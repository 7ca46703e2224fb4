// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/patched_tree.hpp"

#include "source/line_directives.hpp"

namespace klp::source {

void write_patched(Overlay& overlay, const PatchedFiles& files) {
    for (const auto& [path, file] : files.files()) {
        if (!file.is_changed()) continue;
        if (file.exists) overlay.write(path, with_line_directives(file.lines));
        if (!file.exists) overlay.hide(path);
    }
    // It includes trace headers of other folders by way of `..` (TRACE_INCLUDE_PATH), which has to stay in the copy.
    overlay.make_folders_real("include/trace/define_trace.h");
}

}  // namespace klp::source
