// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline/build.hpp"

#include <fmt/format.h>

#include "pipeline/module_name.hpp"
#include "pipeline/stages.hpp"

namespace klp::pipeline {
namespace {

// What is known before any patch is read.
void check_kernel(const kernel::Kernel& kernel) {
    if (kernel.config().enabled("CONFIG_LIVEPATCH")) return;
    throw Error(
        {kernel.manifest().config.string(), {}, {}},
        fmt::format("kernel '{}' has no livepatch support (CONFIG_LIVEPATCH is not set)", kernel.manifest().name))
        .hint("choose a kernel that has it with --kernel; `klp kernel list` shows those there are");
}

std::vector<std::byte> build_module(Build& build) {
    Linked linked =
        link(build, resolve(build, prove(build, compare(build, compile(build, select(build, apply(build)))))));
    complete(build.report, linked);
    return std::move(linked.module);
}

}  // namespace

void throw_unchanged(Build& build, const std::vector<std::string>& notes, const std::string& message) {
    for (const auto& note : notes) build.diagnostics.add(Severity::note, "build.note", {}, note);
    throw Error(message, ExitCode::unchanged);
}

std::vector<std::byte> build(const kernel::Kernel& kernel, const Request& request, const Progress& progress,
                             Timings& timings, Diagnostics& diagnostics, Report& report) {
    report.kernel = kernel.manifest().name;
    check_kernel(kernel);
    report.name = module_name(kernel, request);
    Build build{kernel, request, progress, timings, diagnostics, source::SourceTree(kernel), report, nullptr, nullptr};
    if (!request.explain && !request.lines) return build_module(build);
    SourceLines lines(build.tree);
    build.lines = &lines;
    std::optional<Explainer> explainer;
    if (request.explain) build.explainer = &explainer.emplace(kernel.arch(), lines);
    const auto conclude = [&] {
        report.finding_lines = lines.lines_of(diagnostics);
        if (explainer) report.explanation = explainer->result(diagnostics);
    };
    try {
        auto module = build_module(build);
        conclude();
        return module;
    } catch (const std::exception&) {
        conclude();
        throw;
    }
}

}  // namespace klp::pipeline
