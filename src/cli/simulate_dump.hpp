// SPDX-License-Identifier: GPL-2.0-or-later
// The section images of `klp simulate --dump`.
#pragma once

#include "base/file.hpp"
#include "report/simulate.hpp"

namespace klp::cli {

// DIR/MODULE/SECTION.bin for each section in memory, and DIR/MODULE/sections.json, which names the files; names that
// are no file names are replaced. DIR is there with all of it, or not at all. Error: DIR exists and is not an empty
// folder, or cannot be written.
void dump_images(const fs::path& folder, const report::Modules& modules);

}  // namespace klp::cli
