// SPDX-License-Identifier: GPL-2.0-or-later
// Under which names kbuild may know the object of a source file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"

namespace klp::source {

// "fs/proc/meminfo.c" -> "fs/proc/meminfo.o"
[[nodiscard]] std::string object_of(std::string_view source);

// Code of another architecture than `source_arch` (kbuild's SRCARCH, "x86") under arch/: kbuild has rules for
// it, but never goes there.
[[nodiscard]] bool is_of_other_arch(std::string_view source, std::string_view source_arch);

// Names by way of a Makefile in another folder, which makes objects of this one its own by a path with `..`:
// "drivers/gpu/drm/amd/amdgpu/../display/dc/core/dc.o". Most source files have none.
[[nodiscard]] std::vector<std::string> objects_by_other_folders(const fs::path& tree, std::string_view source,
                                                                std::string_view source_arch);

}  // namespace klp::source
