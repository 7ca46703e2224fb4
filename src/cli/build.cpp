// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline/build.hpp"

#include <memory>

#include "cli/accept.hpp"
#include "cli/command.hpp"
#include "cli/kernel.hpp"
#include "cli/open_kernel.hpp"
#include "pipeline/module_name.hpp"
#include "report/build.hpp"
#include "report/findings.hpp"

namespace klp::cli {

namespace {

struct BuildOptions {
    std::string kernel;
    std::string output;
    std::vector<std::string> patches;
    std::vector<std::string> accepted;
    pipeline::Request request{};
    bool no_replace = false;
    bool json = false;
    bool verbose = false;
};

pipeline::Built build_and_print_findings(const kernel::Kernel& kernel, const BuildOptions& options,
                                         const OutputFile& output, Timings& timings) {
    Diagnostics diagnostics;
    try {
        pipeline::Built built = pipeline::build(kernel, options.request, stderr_progress(), timings, diagnostics);
        print_findings(diagnostics);
        return built;
    } catch (const Error&) {
        print_findings(diagnostics);
        if (options.json && diagnostics.has_errors())
            print_result(report::to_text(report::refused_json(diagnostics)), output);
        throw;
    }
}

ExitCode build_patch(BuildOptions& options) {
    pipeline::Request& request = options.request;
    request.patches.assign(options.patches.begin(), options.patches.end());
    request.replace = !options.no_replace;
    request.accepted_layouts = accepted_layouts(options.accepted);
    const kernel::Kernel kernel = open_kernel(named_or_default_kernel(options.kernel));
    const fs::path path = options.output.empty() ? pipeline::module_name(kernel, request) + ".ko" : options.output;
    std::vector<fs::path> inputs = request.patches;
    append_kernel_files(inputs, kernel.manifest(), path);
    OutputFile output(path, inputs);
    Timings timings;
    pipeline::Built built = build_and_print_findings(kernel, options, output, timings);
    {
        const auto stage = timings.stage("write");
        output.write(std::move(built.module));
    }
    deliver(output, options.json ? report::to_text(report::build_json(built.report, path, timings))
                                 : report::build_text(built.report, path, timings, options.verbose));
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
    command.value("-o,--output", options->output, "file to write (default: NAME.ko)").not_empty().type_name("FILE.ko");
    command.value("--name", options->request.name, "name of the module (default: livepatch_ and the patch file's)")
        .type_name("N");
    command.flag("--no-replace", options->no_replace, "let the livepatches that are loaded already stay in force");
    command.value("-j,--jobs", options->request.jobs, "compile that many files at once (default: one a processor)")
        .range(1, 1024)
        .type_name("N");
    add_accept_option(command, options->accepted);
    command.value("--max-units", options->request.max_units, "refuse headers that reach more units (default: 300)")
        .range(1, 1000000)
        .type_name("N");
    command.flag("-v,--verbose", options->verbose, "show each reference and how it was resolved");
    command.flag("--json", options->json, "print JSON");
    command.run([options] { return build_patch(*options); });
}

}  // namespace klp::cli
