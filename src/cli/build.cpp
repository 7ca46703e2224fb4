// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline/build.hpp"

#include <memory>

#include "cli/command.hpp"
#include "cli/open_kernel.hpp"
#include "report/build.hpp"

namespace klp::cli {

namespace {

struct BuildOptions {
    std::string kernel;
    std::string output;
    std::vector<std::string> patches;
    pipeline::Request request;
    bool no_replace = false;
    bool json = false;
    bool verbose = false;
};

pipeline::Report build_and_print_findings(const kernel::Kernel& kernel, const pipeline::Request& request,
                                          Timings& timings) {
    Diagnostics diagnostics;
    try {
        pipeline::Report report = pipeline::build(kernel, request, stderr_progress(), timings, diagnostics);
        print_findings(diagnostics);
        return report;
    } catch (const Error&) {
        print_findings(diagnostics);
        throw;
    }
}

ExitCode build_patch(BuildOptions& options) {
    pipeline::Request& request = options.request;
    request.patches.assign(options.patches.begin(), options.patches.end());
    request.output = options.output;
    request.replace = !options.no_replace;
    const kernel::Kernel kernel = open_kernel(chosen_kernel(options.kernel));
    Timings timings;
    const pipeline::Report report = build_and_print_findings(kernel, request, timings);
    print_result(options.json ? report::to_text(report::build_json(report, timings))
                              : report::build_text(report, timings, options.verbose));
    return ExitCode::done;
}

}  // namespace

void add_build(CommandLine& program) {
    CommandLine command = program.command("build", "make a livepatch module from source patches");
    const auto options = std::make_shared<BuildOptions>();
    command.values("patch", options->patches, "patch files (unified diffs), applied in this order")
        .required()
        .type_name("PATCH");
    command.value("--kernel", options->kernel, "kernel of the catalogue (default: the newest)").type_name("NAME");
    command.value("-o,--output", options->output, "file to write (default: NAME.ko)").type_name("FILE.ko");
    command.value("--name", options->request.name, "name of the module (default: livepatch_ and the patch file's)")
        .type_name("N");
    command.flag("--no-replace", options->no_replace, "let the livepatches that are loaded already stay in force");
    command.value("-j,--jobs", options->request.jobs, "compile that many files at once (default: one a processor)")
        .range(1, 1024)
        .type_name("N");
    command.flag("-v,--verbose", options->verbose, "show each reference and how it was resolved");
    command.flag("--json", options->json, "print JSON");
    command.run([options] { return build_patch(*options); });
}

}  // namespace klp::cli
