// SPDX-License-Identifier: GPL-2.0-or-later
// From objects to a module: the stages that work on what was compiled.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/kernel_names.hpp"
#include "base/parallel.hpp"
#include "diff/names.hpp"
#include "format/livepatch.hpp"
#include "pipeline/stages.hpp"

namespace klp::pipeline {
namespace {

// Runs `step(i, diagnostics)` for each of `count` units side by side, and appends what they found in the order of the
// units. A unit whose step throws after it has reported findings yields nothing: the others are still to be looked at.
template <typename Value, typename Step>
std::vector<std::optional<Value>> each_unit(Build& build, std::string_view stage_name, std::size_t count, Step step) {
    const auto stage = build.timings.stage(stage_name);
    std::vector<Diagnostics> found(count);
    std::vector<std::optional<Value>> values(count);
    parallel_for(count, build.request.jobs, [&](std::size_t i) {
        try {
            values[i].emplace(step(i, found[i]));
        } catch (const Error& error) {
            if (error.code() != ExitCode::unsafe || !found[i].has_errors()) throw;
        }
        if (found[i].has_errors()) values[i].reset();
    });
    for (const auto& one : found) build.diagnostics.append(one);
    return values;
}

struct UnitTypes {
    diff::TypeTable original, patched;
};

// Of each unit in which a type may have changed, or a name has to be looked for.
std::vector<std::optional<UnitTypes>> types_of(const Build& build, const std::vector<CompiledUnit>& units) {
    std::vector<std::optional<UnitTypes>> types(units.size());
    parallel_for(units.size(), build.request.jobs, [&](std::size_t i) {
        const auto& [original, patched] = std::tie(units[i].original.types, units[i].patched.types);
        if (original == patched && build.request.accepted_layouts.empty()) return;
        const Location where{units[i].source, {}, {}};
        types[i] = {diff::TypeTable::parse(original, where), diff::TypeTable::parse(patched, where)};
    });
    return types;
}

// What is not needed is only known where nothing is refused.
void check_accepted_changes(Build& build, const std::vector<std::optional<UnitTypes>>& types,
                            const std::vector<ComparedUnit>& units) {
    if (build.diagnostics.has_errors()) return;
    std::vector<const diff::TypeTable*> tables;
    for (const auto& each : types)
        if (each) tables.insert(tables.end(), {&each->original, &each->patched});
    std::vector<diff::LayoutChange> used;
    std::set<diff::Forced> forced;
    for (const ComparedUnit& unit : units) {
        const auto& accepted = unit.difference.accepted_layouts;
        used.insert(used.end(), accepted.begin(), accepted.end());
        forced.insert(unit.difference.forced.begin(), unit.difference.forced.end());
    }
    diff::check_left_out(build.request.left_out, forced, build.diagnostics);
    diff::check_accepted(build.request.accepted_layouts, tables, used, build.diagnostics);
}

struct UnitDifference {
    const CompiledUnit* unit;
    const diff::Result* difference;
};

// A variable that goes over to another file of the patch has there its initial value, not what the running kernel keeps
// in it.
void check_moved_variables(const std::vector<UnitDifference>& units, Diagnostics& diagnostics) {
    const auto report = [&](const CompiledUnit& to, const std::string& name, const CompiledUnit& from) {
        diagnostics
            .error("diff.renamed-data", {to.source, {}, {}},
                   fmt::format("variable '{}' is new here and gone from {}: if both are one, the new one does not have "
                               "what the running kernel keeps in the old one",
                               name, from.source))
            .hint("leave it where it is; if they are two, give the new one another name");
    };
    for (const auto& [to, made] : units) {
        for (const diff::DataChange& data : made->data) {
            if (data.status != diff::DataStatus::added || !data.writable) continue;
            const std::string name = diff::base_name(data.name);
            const auto from = std::ranges::find_if(units, [&, to = to](const UnitDifference& each) {
                return each.unit != to && each.difference->gone.contains(name);
            });
            if (from != units.end()) report(*to, name, *from->unit);
        }
    }
}

bool replaces_functions(const ComparedUnit& unit) {
    return std::ranges::any_of(unit.difference.functions, [](const diff::FunctionChange& function) {
        return function.status == diff::FunctionStatus::changed;
    });
}

// The livepatch calls those itself.
bool has_callbacks(const ComparedUnit& unit) {
    return !unit.difference.callbacks.empty();
}

// Whether nothing of the unit is in the livepatch, nor is to be told by it.
bool is_dropped(const diff::Result& difference) {
    // A unit without a changed function may still bring a variable that another unit uses.
    return difference.unchanged() && difference.new_globals().empty() && difference.forced.empty();
}

void check_replacement(const std::vector<ComparedUnit>& units, Diagnostics& diagnostics) {
    if (diagnostics.has_errors() || std::ranges::any_of(units, replaces_functions)) return;
    if (std::ranges::any_of(units, has_callbacks)) return;
    diagnostics
        .error("build.nothing-replaced", {},
               "the patch only adds functions: no function of the kernel changes that would call them")
        .hint("the files that call them have to be in the patch as well");
}

// The symbols of each unit that the livepatch's other units may refer to.
resolve::NamesByObject new_globals(const std::vector<ProvenUnit>& units) {
    resolve::NamesByObject by_object;
    for (const auto& unit : units)
        for (const elf::Symbol* symbol : unit.compared.difference.new_globals())
            by_object[unit.compared.object].insert(symbol->name);
    return by_object;
}

link::UnitPart part_of(ResolvedUnit& unit) {
    ComparedUnit& compared = unit.proven.compared;
    link::UnitPart part;
    part.object = compared.object;
    part.source = compared.compiled->source;
    part.extracted = &compared.difference.extracted;
    for (const auto& function : compared.difference.functions) {
        if (function.status != diff::FunctionStatus::changed) continue;
        const resolve::FunctionProof* proof = unit.proven.unit.proof_of(*function.original);
        part.functions.push_back({proof->name, proof->sympos, function.extracted});
    }
    part.callbacks = compared.difference.callbacks;
    part.references = compared.difference.references;
    part.resolutions = unit.resolutions;
    return part;
}

// What `klp inspect` and `klp check` tell of a module whose source they do not have.
void add_modinfo(const ComparedUnit& unit, std::vector<std::pair<std::string, std::string>>& modinfo) {
    for (const auto& data : unit.difference.data) {
        if (data.status == diff::DataStatus::added && data.writable)
            modinfo.emplace_back(format::modinfo_new_data, fmt::format("{}:{}:{}", unit.object, data.name, data.size));
    }
    for (const auto& each : unit.difference.outlives)
        modinfo.emplace_back(format::modinfo_outlives, fmt::format("{}: {}", unit.object, each));
    for (const auto& [kind, name] : unit.difference.forced)
        modinfo.emplace_back(format::modinfo_forced, fmt::format("{}:{}:{}", unit.object, name_of(kind), name));
}

// "diff.layout:NAME" of each change that was taken because its author said so.
std::set<std::string> accepted_ids(const Resolved& resolved) {
    std::set<std::string> ids;
    for (const ResolvedUnit& unit : resolved.units)
        for (const diff::LayoutChange& each : unit.proven.compared.difference.accepted_layouts)
            ids.insert("diff.layout:" + each.name);
    return ids;
}

void add_key_notes(const diff::LateKeys& keys, std::vector<std::string>& notes) {
    constexpr std::string_view tracepoint = "__tracepoint_";
    for (const std::string& key : keys.names) {
        const std::string what = key.starts_with(tracepoint)
                                     ? fmt::format("tracepoint '{}'", key.substr(tracepoint.size()))
                                     : fmt::format("static key '{}'", key);
        notes.push_back(fmt::format(
            "{} belongs to the module: new code reads whether it is on, in place of a branch that the kernel patches",
            what));
    }
}

}  // namespace

bool is_resolved_at_load(const kernel::Kernel& kernel, std::string_view symbol) {
    const kernel::Export* exported = kernel.exports().find(symbol);
    if (exported != nullptr) return exported->module == vmlinux;
    return kernel.symbols().look_up(symbol).exists();
}

Compared compare(Build& build, Compiled compiled) {
    Compared compared{std::move(compiled), {}, {}};
    const std::vector<CompiledUnit>& units = compared.compiled.units;
    const auto entry_sizes = link::entry_sizes(build.kernel);
    compared.sides = each_unit<diff::Sides>(build, "diff", units.size(), [&](std::size_t i, Diagnostics& diagnostics) {
        return diff::decompose(units[i].original.object, units[i].patched.object, entry_sizes, diagnostics);
    });
    const auto types = types_of(build, units);
    struct Job {
        const CompiledUnit* unit;
        const std::optional<UnitTypes>* types;
        const diff::Sides* sides;
        const std::string* object;
    };
    std::vector<Job> jobs;
    for (std::size_t i = 0; i < units.size(); ++i) {
        if (!compared.sides[i]) continue;
        for (const auto& object : units[i].objects)
            jobs.push_back({&units[i], &types[i], &*compared.sides[i], &object});
    }
    auto differences =
        each_unit<diff::Result>(build, "diff", jobs.size(), [&](std::size_t i, Diagnostics& diagnostics) {
            diff::Options options;
            if (const auto& types_of_unit = *jobs[i].types)
                options.types.emplace(diff::Options::Types{types_of_unit->original, types_of_unit->patched});
            options.macros = compared.compiled.macros;
            options.accepted_layouts = build.request.accepted_layouts;
            options.left_out = build.request.left_out;
            options.for_module = *jobs[i].object != vmlinux;
            options.resolved_at_load = [&](std::string_view symbol) {
                return is_resolved_at_load(build.kernel, symbol);
            };
            options.unchanged = jobs[i].unit->late_keys.unchanged;
            if (build.explainer != nullptr) {
                options.on_selected = [&](const diff::Changes& changes, const diff::Selection& selection) {
                    build.explainer->explain(*jobs[i].unit, *jobs[i].object, changes, selection);
                };
            }
            diff::Result result = diff::diff(*jobs[i].sides, options, diagnostics);
            add_key_notes(jobs[i].unit->late_keys, result.notes);
            return result;
        });
    std::vector<UnitDifference> made;
    for (std::size_t i = 0; i < jobs.size(); ++i)
        if (differences[i]) made.push_back({jobs[i].unit, &*differences[i]});
    check_moved_variables(made, build.diagnostics);
    bool is_unchanged = true;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        if (!differences[i]) continue;
        is_unchanged &= differences[i]->unchanged();
        if (is_dropped(*differences[i])) continue;
        compared.units.push_back({jobs[i].unit, *jobs[i].object, std::move(*differences[i])});
    }
    record(build.report, compared);
    if (is_unchanged && !build.diagnostics.has_errors()) {
        std::vector<std::string> notes = compared.compiled.notes;
        for (const ComparedUnit& unit : compared.units)
            for (const std::string& note : unit.difference.notes)
                notes.push_back(fmt::format("{}: {}", unit.compiled->source, note));
        throw_unchanged(build, notes, "the patch changes no code: every function compiles to what it was");
    }
    check_replacement(compared.units, build.diagnostics);
    check_accepted_changes(build, types, compared.units);
    return compared;
}

Proven prove(Build& build, Compared compared) {
    std::vector<ComparedUnit>& units = compared.units;
    auto proofs = each_unit<resolve::Unit>(build, "prove", units.size(), [&](std::size_t i, Diagnostics& diagnostics) {
        resolve::Unit unit(build.kernel, units[i].object, compared.sides_of(units[i]).original);
        unit.check_changed(units[i].difference, diagnostics);
        unit.check_new(units[i].difference, diagnostics);
        return unit;
    });
    Proven proven{std::move(compared.compiled), {}};
    for (std::size_t i = 0; i < units.size(); ++i)
        if (proofs[i]) proven.units.push_back({std::move(units[i]), std::move(*proofs[i])});
    return proven;
}

Resolved resolve(Build& build, Proven proven) {
    std::vector<ProvenUnit>& units = proven.units;
    const auto brought = new_globals(units);
    auto resolutions = each_unit<std::vector<resolve::Resolution>>(
        build, "resolve", units.size(), [&](std::size_t i, Diagnostics& diagnostics) {
            return units[i].unit.resolve(units[i].compared.difference, diagnostics, brought);
        });
    build.diagnostics.stop_on_errors("no livepatch can be made of this patch");
    Resolved resolved{std::move(proven.compiled), {}};
    for (std::size_t i = 0; i < units.size(); ++i)
        resolved.units.push_back({std::move(units[i]), std::move(*resolutions[i])});
    return resolved;
}

Linked link(Build& build, Resolved resolved) {
    const auto stage = build.timings.stage("link");
    link::ModuleRequest request{build.report.name, build.request.replace, {}, {}};
    for (const std::string& accepted : accepted_ids(resolved))
        request.modinfo.emplace_back(format::modinfo_accepted, accepted);
    for (auto& unit : resolved.units) {
        add_modinfo(unit.proven.compared, request.modinfo);
        request.units.push_back(part_of(unit));
    }
    auto module = link::link(build.kernel, request, build.diagnostics);
    build.diagnostics.stop_on_errors("the livepatch module cannot be linked");
    return {std::move(resolved), std::move(module)};
}

}  // namespace klp::pipeline
