// SPDX-License-Identifier: GPL-2.0-or-later
// Headers that patches for kpatch-build and for the kernel's klp-build include: share/klpkit/include.
#pragma once

#include <span>
#include <string_view>

#include "base/file.hpp"

namespace klp::source {

struct EmbeddedFile {
    std::string_view path;  // as sources include it
    std::string_view text;
};

// By path.
[[nodiscard]] std::span<const EmbeddedFile> patch_headers() noexcept;

// Below a folder that is there.
void write_patch_headers(const fs::path& folder);

}  // namespace klp::source
