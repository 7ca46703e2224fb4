// SPDX-License-Identifier: GPL-2.0-or-later
// What a build collects on its way for the explanation of its result.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "diff/explanation.hpp"
#include "pipeline/build.hpp"
#include "pipeline/source_lines.hpp"
#include "source/apply.hpp"

namespace klp::pipeline {

struct CompiledUnit;

class Explainer {
public:
    // Error: there is no disassembler. `lines` must outlive it.
    Explainer(const arch::Arch& architecture, SourceLines& lines);

    void set_patch(const source::PatchedFiles& files);
    // May be called for several at once. Error: the disassembler fails.
    void explain(const CompiledUnit& unit, const std::string& object, const diff::Changes& changes,
                 const diff::Selection& selection);

    // All that was explained, in the order of sources and objects, and the source lines of findings.
    [[nodiscard]] ExplainedBuild result(const Diagnostics& findings) const;

private:
    SourceLines& lines_;
    diff::Disassembler disassembler_;
    diff::TouchedLines touched_;
    std::mutex mutex_;  // of units_
    std::vector<ExplainedUnit> units_;
};

// The lines of the original that the patches touch.
[[nodiscard]] std::vector<diff::LineRange> touched_lines(const source::PatchedFile& file);

}  // namespace klp::pipeline
