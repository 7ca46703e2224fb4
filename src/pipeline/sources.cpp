// SPDX-License-Identifier: GPL-2.0-or-later
// From patch files to objects: the stages that work on sources.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "base/kernel_names.hpp"
#include "base/parallel.hpp"
#include "base/process.hpp"
#include "diff/names.hpp"
#include "diff/type_table.hpp"
#include "pipeline/stages.hpp"
#include "source/added_macros.hpp"
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

// They are as the unpatched headers made them; programs of other folders are made anew with what they make.
void check_tools(Build& build, const source::UnitCompiler& compiler, const std::set<std::string>& tools) {
    if (!compiler.uses_generated_files()) return;
    for (const std::string& tool : tools) {
        build.diagnostics
            .error("build.source-input", {tool, {}, {}},
                   "may include a patched header, and the kernel's build makes parts of its source with such programs")
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

// The patched sides first: of those, fewer are in the cache. What the next stages ask of the kernel is read meanwhile.
std::vector<Sides> compile_all(const Build& build, const source::UnitCompiler& compiler,
                               const std::vector<source::TranslationUnit>& units) {
    const std::size_t count = units.size();
    std::vector<Sides> sides(count);
    std::atomic<std::size_t> compiled = 0;
    parallel_for(2 * count + 1, build.request.jobs, [&](std::size_t job) {
        check_interrupted();
        if (job < count) {
            sides[job].patched = compiler.patched(units[job]);
        } else if (job < 2 * count) {
            sides[job - count].original = compiler.original(units[job - count]);
        } else {
            (void)build.kernel.exports();
            (void)build.kernel.symbols();
            return;
        }
        build.progress.count("objects compiled", ++compiled, 2 * count);
    });
    return sides;
}

bool is_late(const Build& build, const elf::Symbol& key) {
    if (key.section != nullptr) return key.section->is_alloc() && !diff::is_debug_descriptor_section(key.section->name);
    return key.placement == elf::Placement::undefined && !is_resolved_at_load(build.kernel, key.name);
}

// Whether there is anything to find: to compare for it takes time.
bool names_late_keys(const Build& build, const elf::Object& object) {
    return std::ranges::any_of(object.sections(), [&](const auto& section) {
        const arch::SpecialSection* table = build.kernel.arch().special_section(section->name);
        if (table == nullptr || table->key.kind != arch::KeyKind::static_key) return false;
        return std::ranges::any_of(section->rela(), [&](const elf::Relocation& each) {
            const bool is_code = each.symbol->section != nullptr && each.symbol->section->is_code();
            return !is_code && is_late(build, *each.symbol);
        });
    });
}

// The keys of the unit's module that its changed and new functions test.
diff::LateKeys find_late_keys(const Build& build, const Sides& sides) {
    diff::LateKeys found;
    diff::Options options;
    options.for_module = true;
    options.resolved_at_load = [&](std::string_view symbol) { return is_resolved_at_load(build.kernel, symbol); };
    options.late_keys = &found;
    Diagnostics said_again_later;
    try {
        const diff::Sides pieces = diff::decompose(sides.original->object, sides.patched->object,
                                                   link::entry_sizes(build.kernel), said_again_later);
        (void)diff::diff(pieces, options, said_again_later);
    } catch (const Error& error) {
        if (error.code() != ExitCode::unsafe) throw;
    }
    return found;
}

bool has_function(const elf::Object& object, const std::string& name) {
    return std::ranges::any_of(object.symbols(), [&](const auto& each) {
        return each->name == name && each->is_function() && each->is_defined();
    });
}

// jump_label_add_module() wants the keys of a module's branches when it is loaded, which a livepatch cannot have of a
// module that is not.
diff::LateKeys read_late_keys(const Build& build, const source::UnitCompiler& compiler,
                              const source::TranslationUnit& unit, Sides& sides) {
    const auto is_module = [](const std::string& object) { return object != vmlinux; };
    if (std::ranges::none_of(unit.objects, is_module) || !names_late_keys(build, sides.patched->object)) return {};
    diff::LateKeys keys = find_late_keys(build, sides);
    if (keys.names.empty()) return {};
    sides.patched = compiler.patched_reading(unit, keys.names);
    // A changed function that is inlined now is no function that unchanged callers of the original could be led to:
    // they have to be replaced as well.
    const auto is_there = [&](const std::string& name) { return has_function(sides.patched->object, name); };
    if (!std::ranges::all_of(keys.changed, is_there)) keys.unchanged.clear();
    return keys;
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
    Selected selected{std::move(applied), std::make_unique<kernel::Kbuild>(build.kernel), {}, {}, {}, {}, {}};
    source::UnitSelector selector(build.kernel, *selected.kbuild, build.tree, selected.applied.files,
                                  {build.request.jobs, build.request.max_units, build.progress});
    source::Selection selection = selector.select(build.diagnostics);
    selected.units = std::move(selection.units);
    selected.watched = std::move(selection.watched);
    selected.tools = std::move(selection.tools);
    selected.unused = std::move(selection.unused);
    selected.notes = selected.applied.notes;
    append(selected.notes, selection.notes);
    build.diagnostics.stop_on_errors("the patch changes files that a livepatch cannot change");
    if (selected.units.empty() && selected.watched.empty())
        throw_unchanged(build, selected.notes,
                        selected.unused.empty()
                            ? "the patch changes no file that code is compiled from"
                            : "the patch changes no code: no unit of the kernel uses what changes in headers");
    return selected;
}

// Findings are about the patched side as a rule, and originals come from the cache.
source::KeepDebug debug_to_keep(const Build& build) {
    if (build.explainer != nullptr) return source::KeepDebug::both;
    return build.lines != nullptr ? source::KeepDebug::patched : source::KeepDebug::none;
}

Compiled compile(Build& build, Selected selected) {
    const auto stage = build.timings.stage("compile");
    source::Overlay overlay(build.tree.root());
    fill_overlay(overlay, build.tree, selected);
    if (build.explainer != nullptr) build.explainer->set_patch(selected.applied.files);
    report_compilation(build, selected.units);
    const source::UnitCompiler compiler(build.kernel, *selected.kbuild, build.tree, overlay,
                                        {diff::TypeTable::format, type_text}, debug_to_keep(build));
    check_watched(build, compiler, selected.watched);
    std::vector<Sides> sides = compile_all(build, compiler, selected.units);
    check_tools(build, compiler, selected.tools);
    std::vector<diff::LateKeys> late_keys(sides.size());
    parallel_for(sides.size(), build.request.jobs,
                 [&](std::size_t i) { late_keys[i] = read_late_keys(build, compiler, selected.units[i], sides[i]); });
    Compiled compiled{{}, std::move(selected.notes), source::added_macros(selected.applied.files)};
    for (std::size_t i = 0; i < sides.size(); ++i) {
        source::TranslationUnit& unit = selected.units[i];
        compiled.units.push_back({std::move(unit.source), std::move(unit.objects), std::move(*sides[i].original),
                                  std::move(*sides[i].patched), std::move(unit.reached_by), std::move(late_keys[i])});
    }
    record(build.report, compiled);
    if (build.lines != nullptr) build.lines->set_units(compiled.units);
    return compiled;
}

}  // namespace klp::pipeline
