// SPDX-License-Identifier: GPL-2.0-or-later
// From patch files to objects: the stages that work on sources.
#include <fmt/format.h>

#include "base/parallel.hpp"
#include "base/process.hpp"
#include "diff/type_table.hpp"
#include "pipeline/stages.hpp"
#include "source/compile.hpp"
#include "source/line_directives.hpp"
#include "source/overlay.hpp"

namespace klp::pipeline {
namespace {

void append(std::vector<std::string>& to, const std::vector<std::string>& from) {
    to.insert(to.end(), from.begin(), from.end());
}

void fill_overlay(source::Overlay& overlay, const source::SourceTree& tree, const Selected& selected) {
    for (const auto& [path, file] : selected.applied.files.files()) {
        if (!file.is_changed()) continue;
        if (file.exists) overlay.write(path, source::with_line_directives(file.lines));
        if (!file.exists) overlay.hide(path);
    }
    for (const auto& unit : selected.units) overlay.make_folders_real(tree.path_in_tree(unit.command.source));
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
    Selected selected{std::move(applied), std::make_unique<kernel::Kbuild>(build.kernel), {}, {}};
    source::UnitSelector selector(build.kernel, *selected.kbuild, build.tree, selected.applied.files,
                                  build.request.jobs);
    selected.units = selector.select(build.diagnostics);
    selected.notes = selected.applied.notes;
    append(selected.notes, selector.notes());
    build.diagnostics.stop_on_errors("the patch changes files that a livepatch cannot change");
    if (selected.units.empty())
        throw_unchanged(build, selected.notes, "the patch changes no file that code is compiled from");
    return selected;
}

Compiled compile(Build& build, Selected selected) {
    const auto stage = build.timings.stage("compile");
    source::Overlay overlay(build.tree.root());
    fill_overlay(overlay, build.tree, selected);
    for (const auto& unit : selected.units) build.progress(fmt::format("compiling {}", unit.source));
    const source::UnitCompiler compiler(build.kernel, *selected.kbuild, build.tree, overlay,
                                        {diff::TypeTable::format, type_text});
    std::vector<Sides> sides = compile_all(build, compiler, selected.units);
    Compiled compiled{{}, std::move(selected.notes)};
    for (std::size_t i = 0; i < sides.size(); ++i) {
        source::TranslationUnit& unit = selected.units[i];
        compiled.units.push_back({std::move(unit.source), std::move(unit.objects), std::move(*sides[i].original),
                                  std::move(*sides[i].patched)});
    }
    return compiled;
}

}  // namespace klp::pipeline
