// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline/explainer.hpp"

#include <algorithm>
#include <tuple>

#include "base/kernel_names.hpp"
#include "pipeline/stages.hpp"

namespace klp::pipeline {

std::vector<diff::LineRange> touched_lines(const source::PatchedFile& file) {
    std::vector<diff::LineRange> ranges;
    std::uint64_t before = 0;  // the last line that was there already
    bool is_added = false;     // lines since then
    const auto close = [&](std::uint64_t next) {
        if (next > before + 1) ranges.push_back({before + 1, next - 1});
        if (next == before + 1 && is_added) ranges.push_back({before, next, true});
        before = next;
        is_added = false;
    };
    for (const source::Line& line : file.lines) {
        if (line.original == 0)
            is_added = true;
        else
            close(line.original);
    }
    close(static_cast<std::uint64_t>(std::ranges::count(file.original, '\n')) + 1);
    return ranges;
}

Explainer::Explainer(const arch::Arch& architecture, SourceLines& lines) : lines_(lines), disassembler_(architecture) {}

void Explainer::set_patch(const source::PatchedFiles& files) {
    for (const auto& [path, file] : files.files()) touched_[path] = touched_lines(file);
}

void Explainer::explain(const CompiledUnit& unit, const std::string& object, const diff::Changes& changes,
                        const diff::Selection& selection) {
    const diff::ExplainOptions options{disassembler_, lines_.of(unit.original.object.display_name()),
                                       lines_.of(unit.patched.object.display_name()), &touched_};
    ExplainedUnit explained{unit.source, object, unit.reached_by, diff::explain(changes, selection, options)};
    const std::scoped_lock lock(mutex_);
    units_.push_back(std::move(explained));
}

ExplainedBuild Explainer::result(const Diagnostics& findings) const {
    ExplainedBuild result{disassembler_.program(), units_, {}};
    std::ranges::sort(result.units, {}, [](const ExplainedUnit& each) {
        return std::tuple(each.source, each.object != vmlinux, each.object);
    });
    for (const Finding& each : findings.findings()) result.findings.push_back({each, lines_.line_of(each.where)});
    return result;
}

}  // namespace klp::pipeline
