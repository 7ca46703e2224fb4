// SPDX-License-Identifier: GPL-2.0-or-later
// From patch files to objects: the stages that work on sources.
#include <fmt/format.h>

#include "base/parallel.hpp"
#include "base/process.hpp"
#include "diff/type_table.hpp"
#include "pipeline/stages.hpp"
#include "source/compile.hpp"
#include "source/overlay.hpp"
#include "source/patched_tree.hpp"

namespace klp::pipeline {
namespace {

void append(std::vector<std::string>& to, const std::vector<std::string>& from) {
    to.insert(to.end(), from.begin(), from.end());
}

void fill_overlay(source::Overlay& overlay, const source::SourceTree& tree, const Selected& selected) {
    source::write_patched(overlay, selected.applied.files);
    for (const auto* units : {&selected.units, &selected.watched})
        for (const auto& unit : *units) overlay.make_folders_real(tree.path_in_tree(unit.command.source));
}

// What no livepatch can replace must come out as it was.
void check_watched(Build& build, const source::UnitCompiler& compiler,
                   const std::vector<source::TranslationUnit>& units) {
    std::vector<char> is_same(units.size());
    parallel_for(units.size(), build.request.jobs, [&](std::size_t i) {
        check_interrupted();
        is_same[i] = compiler.is_unchanged(units[i]) ? 1 : 0;
    });
    for (std::size_t i = 0; i < units.size(); ++i) {
        if (is_same[i] != 0) continue;
        build.diagnostics
            .error("build.header", {units[i].reached_by.front(), {}, {}},
                   fmt::format("changes what {} is made into, which a livepatch cannot replace", units[i].source))
            .hint("move the change into the .c files that need it");
    }
    build.diagnostics.stop_on_errors("the patch changes files that a livepatch cannot change");
}

struct Sides {
    std::optional<source::CompiledObject> original, patched;
};

// A compiler that writes no debug information for a file without code is not asked for more.
std::string type_text(const elf::Object& object) {
    return diff::TypeTable::is_in(object) ? diff::TypeTable::read(object).text() : std::string();
}

// The patched sides first: only those are never cached. What the next stages ask of the kernel is read meanwhile.
std::vector<Sides> compile_all(const Build& build, const source::UnitCompiler& compiler,
                               const std::vector<source::TranslationUnit>& units) {
    const std::size_t count = units.size();
    std::vector<Sides> sides(count);
    parallel_for(2 * count + 1, build.request.jobs, [&](std::size_t job) {
        check_interrupted();
        if (job < count) {
            sides[job].patched = compiler.patched(units[job]);
        } else if (job < 2 * count) {
            sides[job - count].original = compiler.original(units[job - count]);
        } else {
            (void)build.kernel.exports();
            (void)build.kernel.symbols();
        }
    });
    return sides;
}

// Each by its name, unless there are so many that nobody would read them.
void report_compilation(const Build& build, const std::vector<source::TranslationUnit>& units) {
    static constexpr std::size_t most_named = 20;
    if (units.size() > most_named) return build.progress(fmt::format("compiling {} units", units.size()));
    for (const auto& unit : units) build.progress(fmt::format("compiling {}", unit.source));
}

}  // namespace

Applied apply(Build& build) {
    const auto stage = build.timings.stage("apply");
    Applied applied{source::PatchedFiles(build.tree.root()), {}};
    for (const auto& path : build.request.patches)
        applied.files.apply(source::parse_patch(read_text(path), path.string()), build.diagnostics);
    build.diagnostics.stop_on_errors("the patch cannot be applied", ExitCode::error);
    applied.notes = applied.files.notes();
    return applied;
}

Selected select(Build& build, Applied applied) {
    const auto stage = build.timings.stage("commands");
    Selected selected{std::move(applied), std::make_unique<kernel::Kbuild>(build.kernel), {}, {}, {}};
    source::UnitSelector selector(build.kernel, *selected.kbuild, build.tree, selected.applied.files,
                                  {build.request.jobs, build.request.max_units, build.progress});
    source::Selection selection = selector.select(build.diagnostics);
    selected.units = std::move(selection.units);
    selected.watched = std::move(selection.watched);
    selected.notes = selected.applied.notes;
    append(selected.notes, selection.notes);
    build.diagnostics.stop_on_errors("the patch changes files that a livepatch cannot change");
    if (selected.units.empty() && selected.watched.empty())
        throw_unchanged(build, selected.notes, "the patch changes no file that code is compiled from");
    return selected;
}

Compiled compile(Build& build, Selected selected) {
    const auto stage = build.timings.stage("compile");
    source::Overlay overlay(build.tree.root());
    fill_overlay(overlay, build.tree, selected);
    if (build.explainer != nullptr) build.explainer->set_patch(selected.applied.files);
    report_compilation(build, selected.units);
    const source::UnitCompiler compiler(build.kernel, *selected.kbuild, build.tree, overlay,
                                        {diff::TypeTable::format, type_text}, build.explainer != nullptr);
    check_watched(build, compiler, selected.watched);
    std::vector<Sides> sides = compile_all(build, compiler, selected.units);
    Compiled compiled{{}, std::move(selected.notes)};
    for (std::size_t i = 0; i < sides.size(); ++i) {
        source::TranslationUnit& unit = selected.units[i];
        compiled.units.push_back({std::move(unit.source), std::move(unit.objects), std::move(*sides[i].original),
                                  std::move(*sides[i].patched), std::move(unit.reached_by)});
    }
    record(build.report, compiled);
    if (build.explainer != nullptr) build.explainer->set_units(compiled.units);
    return compiled;
}

}  // namespace klp::pipeline
