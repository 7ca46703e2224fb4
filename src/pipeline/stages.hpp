// SPDX-License-Identifier: GPL-2.0-or-later
// The stages of `klp build`. Each takes the value of the one before and returns its own type, so that what is not yet
// known cannot be asked for:
//
//   Applied ─▶ Selected ─▶ Compiled ─▶ Compared ─▶ Proven ─▶ Resolved ─▶ Linked
//
// Findings go to the Diagnostics of the Build. Up to `resolve` a unit with errors is left out of the next value, so
// that the other units are looked at, too; `resolve` ends with an Error (ExitCode::unsafe) where anything was found.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/diagnostics.hpp"
#include "base/progress.hpp"
#include "diff/diff.hpp"
#include "elf/object.hpp"
#include "kernel/kbuild.hpp"
#include "link/link.hpp"
#include "pipeline/build.hpp"
#include "pipeline/explainer.hpp"
#include "resolve/resolve.hpp"
#include "source/apply.hpp"
#include "source/compile.hpp"
#include "source/source_tree.hpp"
#include "source/units.hpp"

namespace klp::pipeline {

// What all stages work with. It outlives every value that a stage returns.
struct Build {
    const kernel::Kernel& kernel;
    const Request& request;
    const Progress& progress;
    Timings& timings;
    Diagnostics& diagnostics;
    source::SourceTree tree;
    Report& report;        // gets what is known after each stage
    SourceLines* lines;    // null: nobody asks for lines
    Explainer* explainer;  // null: nothing is to be explained
};

struct Applied {
    source::PatchedFiles files;
    std::vector<std::string> notes;
};

struct Selected {
    Applied applied;
    std::unique_ptr<kernel::Kbuild> kbuild;
    std::vector<source::TranslationUnit> units;
    std::vector<source::TranslationUnit> watched;  // whose objects must not change; with `units`, at least one
    std::set<std::string> tools;                   // as in source::Selection
    std::set<std::string> unused;                  // as there
    std::vector<std::string> notes;
};

struct CompiledUnit {
    std::string source;                // path in the tree
    std::vector<std::string> objects;  // of the kernel that have it
    source::CompiledObject original, patched;
    std::vector<std::string> reached_by;  // patched files that it includes; empty where it is itself among them
    // Where keys are named, the patched object reads them, and functions that the patch does not change differ.
    diff::LateKeys late_keys{};
};
struct Compiled {
    std::vector<CompiledUnit> units;
    std::vector<std::string> notes;
    diff::Macros macros;  // that the patch defines
};

// One unit of one kernel object: a unit that several modules have is in the livepatch once for each.
struct ComparedUnit {
    const CompiledUnit* compiled = nullptr;  // in Compared::compiled
    std::string object;                      // "vmlinux" or a module
    diff::Result difference;
};
struct Compared {
    Compiled compiled;
    std::vector<std::optional<diff::Sides>> sides;  // by index of Compiled::units; none where a finding says why
    std::vector<ComparedUnit> units;

    [[nodiscard]] const diff::Sides& sides_of(const ComparedUnit& unit) const {
        return sides.at(static_cast<std::size_t>(unit.compiled - compiled.units.data())).value();
    }
};

struct ProvenUnit {
    ComparedUnit compared;
    resolve::Unit unit;
};
struct Proven {
    Compiled compiled;
    std::vector<ProvenUnit> units;
};

struct ResolvedUnit {
    ProvenUnit proven;
    std::vector<resolve::Resolution> resolutions;  // by index of diff::Result::references
};
struct Resolved {
    Compiled compiled;
    std::vector<ResolvedUnit> units;
};

struct Linked {
    Resolved resolved;
    std::vector<std::byte> module;  // the bytes of the .ko
};

// vmlinux is there when the livepatch is loaded; a module need not be.
[[nodiscard]] bool is_resolved_at_load(const kernel::Kernel& kernel, std::string_view symbol);

[[nodiscard]] Applied apply(Build& build);
[[nodiscard]] Selected select(Build& build, Applied applied);
[[nodiscard]] Compiled compile(Build& build, Selected selected);
[[nodiscard]] Compared compare(Build& build, Compiled compiled);
[[nodiscard]] Proven prove(Build& build, Compared compared);
[[nodiscard]] Resolved resolve(Build& build, Proven proven);
[[nodiscard]] Linked link(Build& build, Resolved resolved);  // as report.name

// What was done, for people and programs: after the stage, and at the end.
void record(Report& report, const Compiled& compiled);
void record(Report& report, const Compared& compared);
void complete(Report& report, const Linked& linked);

// Error with ExitCode::unchanged; the notes become findings, since there is no report that they could go into.
[[noreturn]] void throw_unchanged(Build& build, const std::vector<std::string>& notes, const std::string& message);

}  // namespace klp::pipeline
