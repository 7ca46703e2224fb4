// SPDX-License-Identifier: GPL-2.0-or-later
// The section images of `klp simulate --dump`.
#pragma once

#include <optional>
#include <vector>

#include "base/file.hpp"
#include "report/simulate.hpp"

namespace klp::cli {

// DIR/MODULE/SECTION.bin for each section in memory, and DIR/MODULE/sections.json, which names the files; names that
// are no file names are replaced. DIR is there with all of it, or not at all: after commit().
class DumpFolder {
public:
    // Looks, and does nothing yet. Error: it exists and is not an empty folder. Error with ExitCode::usage: it is one
    // of `inputs`.
    DumpFolder(fs::path path, const std::vector<fs::path>& inputs);

    void write(const report::Modules& modules);  // Error: it cannot be written
    void commit();

private:
    [[nodiscard]] fs::path images() const { return scratch_->path() / "images"; }

    fs::path path_;
    fs::path place_;  // behind links
    std::optional<TempDir> scratch_;
};

}  // namespace klp::cli
