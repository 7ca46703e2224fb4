// SPDX-License-Identifier: GPL-2.0-or-later
// The debug information of what a build compiles: source lines of places in its objects.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostics.hpp"
#include "diff/source_map.hpp"
#include "source/compile.hpp"
#include "source/source_tree.hpp"

namespace klp::pipeline {

struct CompiledUnit;

class SourceLines {
public:
    // `tree` must outlive it.
    explicit SourceLines(const source::SourceTree& tree) : tree_(tree) {}

    // Takes the debug information out of the objects.
    void set_units(std::vector<CompiledUnit>& units);

    // Null: the object has no debug information. May be called for several at once. Error: it is damaged.
    [[nodiscard]] const diff::SourceMap* of(const std::string& display_name);
    // What a finding there is about; nullopt: not known, or nothing with a line.
    [[nodiscard]] std::optional<diff::SourceLine> line_of(const Location& where);
    [[nodiscard]] std::vector<std::optional<diff::SourceLine>> lines_of(const Diagnostics& findings);

private:
    const source::SourceTree& tree_;
    std::mutex mutex_;  // of both maps, by the object's display name
    std::map<std::string, source::DebugObject> unread_;
    std::map<std::string, std::unique_ptr<diff::SourceMap>> maps_;
};

}  // namespace klp::pipeline
