// SPDX-License-Identifier: GPL-2.0-or-later
// What a build collects on its way for the explanation of its result.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "diff/explanation.hpp"
#include "pipeline/build.hpp"
#include "source/apply.hpp"
#include "source/compile.hpp"
#include "source/source_tree.hpp"

namespace klp::pipeline {

struct CompiledUnit;

class Explainer {
public:
    // Error: there is no disassembler. `tree` must outlive it.
    Explainer(const arch::Arch& architecture, const source::SourceTree& tree);

    void set_patch(const source::PatchedFiles& files);
    // Takes the debug information out of the objects.
    void set_units(std::vector<CompiledUnit>& units);
    // May be called for several at once. Error: the disassembler fails.
    void explain(const CompiledUnit& unit, const std::string& object, const diff::Changes& changes,
                 const diff::Selection& selection);

    // All that was explained, in the order of sources and objects, and the source lines of findings.
    [[nodiscard]] ExplainedBuild result(const Diagnostics& findings) const;

private:
    // Null: the object has no debug information.
    [[nodiscard]] const diff::SourceMap* source_of(const std::string& display_name) const;
    [[nodiscard]] std::unique_ptr<diff::SourceMap> map_of(const source::DebugObject& debug) const;
    [[nodiscard]] std::optional<diff::SourceLine> line_of(const Location& where) const;

    const source::SourceTree& tree_;
    diff::Disassembler disassembler_;
    diff::TouchedLines touched_;
    std::map<std::string, std::unique_ptr<diff::SourceMap>> sources_;  // by the object's display name
    std::mutex mutex_;                                                 // of units_
    std::vector<ExplainedUnit> units_;
};

// The lines of the original that the patches touch.
[[nodiscard]] std::vector<diff::LineRange> touched_lines(const source::PatchedFile& file);

}  // namespace klp::pipeline
