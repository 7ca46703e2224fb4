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

void check_output(const fs::path& output) {
    if (fs::is_directory(output))
        throw Error({output.string(), {}, {}}, "the output is a folder, expected the name of a file");
    const fs::path folder = output.has_parent_path() ? output.parent_path() : fs::path(".");
    if (!fs::is_directory(folder))
        throw Error({output.string(), {}, {}}, fmt::format("there is no folder '{}'", folder.string()));
}

}  // namespace

void throw_unchanged(Build& build, const std::vector<std::string>& notes, const std::string& message) {
    for (const auto& note : notes) build.diagnostics.add(Severity::note, "build.note", {}, note);
    throw Error(message, ExitCode::unchanged);
}

Report build(const kernel::Kernel& kernel, const Request& request, const Progress& progress, Timings& timings,
             Diagnostics& diagnostics) {
    check_kernel(kernel);
    const std::string name = module_name(kernel, request);
    const fs::path output = request.output.empty() ? fs::path(name + ".ko") : request.output;
    check_output(output);
    Build build{kernel, request, progress, timings, diagnostics, source::SourceTree(kernel)};
    const Linked linked =
        link(build, resolve(build, prove(build, compare(build, compile(build, select(build, apply(build)))))), name);
    Report report = report_of(build, linked, name);
    report.module = output;
    const auto stage = timings.stage("write");
    write_file(output, linked.module);
    return report;
}

}  // namespace klp::pipeline
