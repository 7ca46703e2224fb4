// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline/explainer.hpp"

#include <algorithm>
#include <tuple>

#include "base/kernel_names.hpp"
#include "pipeline/stages.hpp"

namespace klp::pipeline {
namespace {

bool is_within(const std::string& path, const std::string& folder) {
    return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

// As paths in the tree are written, whichever side the compiler was asked for.
std::string name_in_tree(const std::string& named, const source::DebugObject& debug, const source::SourceTree& tree) {
    std::string path = (debug.directory / named).lexically_normal().string();
    for (const fs::path& root : {debug.sources, debug.directory, tree.root(), tree.object_root()}) {
        const std::string folder = root.lexically_normal().string();
        if (is_within(path, folder)) return path.substr(folder.size() + 1);
    }
    return path;
}

}  // namespace

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

Explainer::Explainer(const arch::Arch& architecture, const source::SourceTree& tree)
    : tree_(tree), disassembler_(architecture) {}

void Explainer::set_patch(const source::PatchedFiles& files) {
    for (const auto& [path, file] : files.files()) touched_[path] = touched_lines(file);
}

void Explainer::set_units(std::vector<CompiledUnit>& units) {
    for (CompiledUnit& unit : units) {
        for (source::CompiledObject* side : {&unit.original, &unit.patched}) {
            if (!side->debug || !diff::DebugImage::is_in(side->debug->object)) continue;
            sources_[side->object.display_name()] = map_of(*side->debug);
            side->debug.reset();
        }
    }
}

std::unique_ptr<diff::SourceMap> Explainer::map_of(const source::DebugObject& debug) const {
    return std::make_unique<diff::SourceMap>(
        debug.object, [&](const std::string& named) { return name_in_tree(named, debug, tree_); });
}

const diff::SourceMap* Explainer::source_of(const std::string& display_name) const {
    const auto found = sources_.find(display_name);
    return found == sources_.end() ? nullptr : found->second.get();
}

void Explainer::explain(const CompiledUnit& unit, const std::string& object, const diff::Changes& changes,
                        const diff::Selection& selection) {
    const diff::ExplainOptions options{disassembler_, source_of(unit.original.object.display_name()),
                                       source_of(unit.patched.object.display_name()), &touched_};
    ExplainedUnit explained{unit.source, object, unit.reached_by, diff::explain(changes, selection, options)};
    const std::scoped_lock lock(mutex_);
    units_.push_back(std::move(explained));
}

std::optional<diff::SourceLine> Explainer::line_of(const Location& where) const {
    const diff::SourceMap* source = source_of(where.file);
    return source == nullptr ? std::nullopt : source->about(where);
}

ExplainedBuild Explainer::result(const Diagnostics& findings) const {
    ExplainedBuild result{disassembler_.program(), units_, {}};
    std::ranges::sort(result.units, {}, [](const ExplainedUnit& each) {
        return std::tuple(each.source, each.object != vmlinux, each.object);
    });
    for (const Finding& each : findings.findings()) result.findings.push_back({each, line_of(each.where)});
    return result;
}

}  // namespace klp::pipeline
