// SPDX-License-Identifier: GPL-2.0-or-later
#include "build/build.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "base/parallel.hpp"
#include "base/process.hpp"
#include "build/apply.hpp"
#include "build/compile.hpp"
#include "build/line_directives.hpp"
#include "build/module_name.hpp"
#include "build/overlay.hpp"
#include "build/patch.hpp"
#include "build/source_tree.hpp"
#include "build/unit_work.hpp"
#include "build/units.hpp"
#include "diff/diff.hpp"
#include "make/make.hpp"

namespace klp::build {
namespace {

// What is known before any patch is read.
void check_kernel(const kernel::Kernel& kernel) {
    if (kernel.config().enabled("CONFIG_LIVEPATCH")) return;
    throw Error(
        {kernel.manifest().config.string(), {}, {}},
        fmt::format("kernel '{}' has no livepatch support (CONFIG_LIVEPATCH is not set)", kernel.manifest().name))
        .hint("choose a kernel that has it with --kernel; `klp kernel list` shows those there are");
}

void check_output(const fs::path& output) {
    if (fs::is_directory(output))
        throw Error({output.string(), {}, {}}, "the output is a folder, expected the name of a file");
    const fs::path folder = output.has_parent_path() ? output.parent_path() : fs::path(".");
    if (!fs::is_directory(folder))
        throw Error({output.string(), {}, {}}, fmt::format("there is no folder '{}'", folder.string()));
}

PatchedFiles apply_patches(const SourceTree& tree, const Request& request, Diagnostics& diagnostics) {
    PatchedFiles files(tree.root());
    for (const auto& path : request.patches) files.apply(parse_patch(read_text(path), path.string()), diagnostics);
    diagnostics.stop_on_errors("the patch cannot be applied", ExitCode::error);
    return files;
}

void fill_overlay(Overlay& overlay, const SourceTree& tree, const PatchedFiles& files,
                  const std::vector<TranslationUnit>& units) {
    for (const auto& [path, file] : files.files()) {
        if (!file.is_changed()) continue;
        if (file.exists) overlay.write(path, with_line_directives(file.lines));
        if (!file.exists) overlay.hide(path);
    }
    for (const auto& unit : units) overlay.make_folders_real(tree.path_in_tree(unit.command.source));
}

struct Objects {
    std::vector<std::optional<elf::Object>> original, patched;  // by unit
};

// The patched sides first: only those are never cached. What the next stages ask of the kernel is read
// meanwhile.
Objects compile_all(const kernel::Kernel& kernel, const UnitCompiler& compiler,
                    const std::vector<TranslationUnit>& units, unsigned jobs) {
    const std::size_t count = units.size();
    Objects objects{std::vector<std::optional<elf::Object>>(count), std::vector<std::optional<elf::Object>>(count)};
    parallel_for(2 * count + 1, jobs, [&](std::size_t job) {
        check_interrupted();
        if (job < count) {
            objects.patched[job] = compiler.patched(units[job]);
        } else if (job < 2 * count) {
            objects.original[job - count] = compiler.original(units[job - count]);
        } else {
            (void)kernel.exports();
            (void)kernel.symbols();
        }
    });
    return objects;
}

// Findings of jobs that ran side by side, in the order of the units.
void append(Diagnostics& to, const Diagnostics& from) {
    for (const auto& finding : from.findings()) {
        Finding& added = to.add(finding.severity, finding.id, finding.where, finding.message);
        added.notes = finding.notes;
        added.hints = finding.hints;
    }
}

class Pipeline {
public:
    Pipeline(const kernel::Kernel& kernel, const Request& request, const Progress& progress, Timings& timings,
             Diagnostics& diagnostics)
        : kernel_(kernel),
          request_(request),
          progress_(progress),
          timings_(timings),
          diagnostics_(diagnostics),
          tree_(kernel) {}

    Report run() {
        check_kernel(kernel_);
        const std::string name = module_name(kernel_, request_);
        const fs::path output = request_.output.empty() ? fs::path(name + ".ko") : request_.output;
        check_output(output);
        report_.module = output;
        report_.name = name;
        report_.kernel = kernel_.manifest().name;
        compile();
        const std::vector<std::byte> module = link(name);
        const auto stage = timings_.stage("write");
        write_file(output, module);
        return std::move(report_);
    }

private:
    void compile() {
        const PatchedFiles files = [&] {
            const auto stage = timings_.stage("apply");
            return apply_patches(tree_, request_, diagnostics_);
        }();
        report_.notes = files.notes();
        const auto kbuild = [&] {
            const auto stage = timings_.stage("commands");
            return std::make_unique<kernel::Kbuild>(kernel_);
        }();
        select_units(files, *kbuild);
        const auto stage = timings_.stage("compile");
        Overlay overlay(tree_.root());
        fill_overlay(overlay, tree_, files, units_);
        for (const auto& unit : units_) progress_(fmt::format("compiling {}", unit.source));
        objects_ = compile_all(kernel_, UnitCompiler(kernel_, *kbuild, tree_, overlay), units_, request_.jobs);
    }

    void select_units(const PatchedFiles& files, const kernel::Kbuild& kbuild) {
        const auto stage = timings_.stage("commands");
        UnitSelector selector(kernel_, kbuild, tree_, files, request_.jobs);
        units_ = selector.select(diagnostics_);
        report_.notes.insert(report_.notes.end(), selector.notes().begin(), selector.notes().end());
        diagnostics_.stop_on_errors("the patch changes files that a livepatch cannot change");
        if (units_.empty()) throw_unchanged("the patch changes no file that code is compiled from");
    }

    std::vector<std::byte> link(const std::string& name) {
        make_work();
        const UnitWork::EntrySizes sizes = make::entry_sizes(kernel_);
        each_work("diff", [&](UnitWork& work, Diagnostics& diagnostics) { work.diff(sizes, diagnostics); });
        std::erase_if(work_, [](const auto& work) { return work->brings_nothing(); });
        const bool is_unchanged = std::ranges::all_of(work_, [](const auto& work) { return work->is_unchanged(); });
        if (is_unchanged && !diagnostics_.has_errors()) {
            throw_unchanged("the patch changes no code: every function compiles to what it was");
        }
        check_replacement();
        each_work("prove", [&](UnitWork& work, Diagnostics& diagnostics) { work.prove(diagnostics); });
        std::map<std::string, resolve::Names> new_globals;
        for (const auto& work : work_) work->add_new_globals(new_globals);
        each_work("resolve", [&](UnitWork& work, Diagnostics& diagnostics) { work.resolve(new_globals, diagnostics); });
        diagnostics_.stop_on_errors("no livepatch can be made of this patch");
        const auto stage = timings_.stage("link");
        make::ModuleRequest module{name, request_.replace, {}};
        for (const auto& work : work_) {
            work->add_to(report_);
            module.units.push_back(work->part());
        }
        std::ranges::sort(report_.objects, {},
                          [](const BuiltObject& one) { return std::pair(one.name != "vmlinux", one.name); });
        auto bytes = make::link(kernel_, module, diagnostics_);
        diagnostics_.stop_on_errors("the livepatch module cannot be linked");
        return bytes;
    }

    void check_replacement() {
        if (diagnostics_.has_errors()) return;
        if (std::ranges::any_of(work_, [](const auto& work) { return work->replaces_functions(); })) return;
        diagnostics_
            .error("build.nothing-replaced", {},
                   "the patch only adds functions: no function of the kernel changes that would call them")
            .hint("the files that call them have to be in the patch as well");
    }

    // One unit may be a part of several modules: each gets its own copy of the new functions.
    void make_work() {
        for (std::size_t i = 0; i < units_.size(); ++i) {
            for (const auto& object : units_[i].objects) {
                work_.push_back(std::make_unique<UnitWork>(kernel_, units_[i].source, object, *objects_.original[i],
                                                           *objects_.patched[i]));
            }
        }
    }

    template <typename Step>
    void each_work(std::string_view name, Step step) {
        const auto stage = timings_.stage(name);
        std::vector<Diagnostics> found(work_.size());
        parallel_for(work_.size(), request_.jobs, [&](std::size_t i) { step(*work_[i], found[i]); });
        for (const auto& one : found) append(diagnostics_, one);
    }

    // There is no report that the notes could go into.
    [[noreturn]] void throw_unchanged(const std::string& message) {
        for (const auto& note : report_.notes) diagnostics_.add(Severity::note, "build.note", {}, note);
        throw Error(message, ExitCode::unchanged);
    }

    const kernel::Kernel& kernel_;
    const Request& request_;
    const Progress& progress_;
    Timings& timings_;
    Diagnostics& diagnostics_;
    SourceTree tree_;
    Report report_;
    std::vector<TranslationUnit> units_;
    Objects objects_;
    std::vector<std::unique_ptr<UnitWork>> work_;
};

}  // namespace

Report build(const kernel::Kernel& kernel, const Request& request, const Progress& progress, Timings& timings,
             Diagnostics& diagnostics) {
    return Pipeline(kernel, request, progress, timings, diagnostics).run();
}

}  // namespace klp::build
