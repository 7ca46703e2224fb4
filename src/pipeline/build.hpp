// SPDX-License-Identifier: GPL-2.0-or-later
// From patch files to a livepatch module, as a chain of stages (stages.hpp).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/diagnostics.hpp"
#include "base/progress.hpp"
#include "diff/explanation.hpp"
#include "diff/layout_change.hpp"
#include "kernel/kernel.hpp"
#include "resolve/resolve.hpp"

namespace klp::pipeline {

struct Request {
    std::vector<fs::path> patches;
    std::string name;  // of the module; empty: from the first patch's file name
    bool replace = true;
    std::set<std::string, std::less<>> accepted_layouts;  // names of types: diff::Options::accepted_layouts
    std::set<diff::LeftOut> left_out;                     // as of diff::Options
    unsigned jobs = 0;                                    // 0: as many as the machine has processors
    unsigned max_units = 300;                             // that patched headers may reach
    bool explain = false;
    bool lines = false;  // Report::finding_lines is wanted
};

struct BuiltFunction {
    std::string name;
    bool added = false;
    bool carried = false;  // diff::FunctionStatus::carried
    std::uint32_t sympos = 0;
    std::string fidelity;  // "identical"; empty for added functions, which have no original, and before the proof
    std::string source;    // path in the tree
    std::string reason;    // what differs from the original
};

// A variable or constant that comes with the livepatch and has no original.
struct BuiltData {
    std::string name;
    std::uint64_t size = 0;  // bytes
    bool writable = false;
    std::string section;
    std::string source;  // path in the tree
};

struct BuiltCallback {
    std::string event;     // "pre_patch"
    std::string function;  // of the livepatch
    std::string source;    // path in the tree
};

// What the author takes the responsibility for (diff::Forced).
struct BuiltForced {
    std::string kind;
    std::string name;    // of the function or section
    std::string source;  // path in the tree
};

struct BuiltObject {
    std::string name;  // "vmlinux" or a module
    std::vector<BuiltFunction> functions;
    std::vector<BuiltData> data;
    std::vector<std::string> outlives;  // diff::Result::outlives, with the source
    std::vector<BuiltCallback> callbacks;
    std::vector<BuiltForced> forced;
};

struct BuiltReference {
    std::string object;  // that is patched
    std::string symbol;
    std::string resolved;  // ".klp.sym.…" or the exported name
    std::string how;
};

// A translation unit that was compiled both ways.
struct BuiltUnit {
    std::string source;                   // path in the tree
    std::vector<std::string> objects;     // "vmlinux" or modules
    std::vector<std::string> reached_by;  // patched files that it includes; empty where it is itself among them
    bool changed = false;                 // something of it is in the module
};

// Why what is in the livepatch is in it, of one unit of one kernel object.
struct ExplainedUnit {
    std::string source;                   // path in the tree
    std::string object;                   // "vmlinux" or a module; empty: not known
    std::vector<std::string> reached_by;  // as of BuiltUnit
    diff::Explanation explanation;
};

struct ExplainedFinding {
    Finding finding;
    std::optional<diff::SourceLine> source;  // what it is about; nullopt: not known, or nothing with a line
};

struct ExplainedBuild {
    std::string disassembler;  // the program's path
    std::vector<ExplainedUnit> units;
    std::vector<ExplainedFinding> findings;
};

// A function of a touched unit that does not equal what is shipped, or of which that is not known. It is not patched.
struct UnprovenFunction {
    std::string name;
    std::string object;
    std::string source;
    std::string fidelity;  // "different", "missing", "ambiguous"
    std::string detail;    // for people
};

// What is known so far: all of it once the module is made.
struct Report {
    std::string name;  // of the module; empty: not known yet, as the kernel
    std::string kernel;
    std::vector<BuiltObject> objects;
    std::vector<BuiltUnit> units;
    std::vector<BuiltReference> references;
    std::vector<diff::LayoutChange> accepted_layouts;  // each once
    std::vector<std::string> notes;
    std::optional<ExplainedBuild> explanation;  // where it was asked for
    // What each finding is about, where it was asked for; nullopt: not known, or nothing with a line.
    std::vector<std::optional<diff::SourceLine>> finding_lines;
    std::size_t functions_proven = 0;  // of all original functions in the touched units
    std::size_t functions_total = 0;   // 0: nothing is proven yet
    std::vector<UnprovenFunction> unproven;
};

// The bytes of the .ko. `timings` gets a stage for apply, commands, compile, diff, prove, resolve, link. Error with the
// exit codes of klp::ExitCode; findings in `diagnostics`, and what was known until then in `report`.
std::vector<std::byte> build(const kernel::Kernel& kernel, const Request& request, const Progress& progress,
                             Timings& timings, Diagnostics& diagnostics, Report& report);

}  // namespace klp::pipeline
