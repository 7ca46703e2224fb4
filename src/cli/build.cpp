// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline/build.hpp"

#include <memory>

#include "cli/accept.hpp"
#include "cli/command.hpp"
#include "cli/kernel.hpp"
#include "cli/open_kernel.hpp"
#include "cli/outcome.hpp"
#include "pipeline/module_name.hpp"
#include "report/build.hpp"

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

// What is known of a build while it runs.
struct Attempt {
    pipeline::Report report;
    Timings timings;
    fs::path module;  // the file; empty: none is written
};

std::vector<std::byte> make_module(const kernel::Kernel& kernel, const BuildOptions& options, Attempt& attempt,
                                   Diagnostics& findings) {
    try {
        auto module =
            pipeline::build(kernel, options.request, stderr_progress(), attempt.timings, findings, attempt.report);
        print_findings(findings);
        return module;
    } catch (const std::exception&) {
        print_findings(findings);
        throw;
    }
}

ExitCode build_patch(BuildOptions& options, Attempt& attempt, Outcome& outcome) {
    pipeline::Request& request = options.request;
    request.patches.assign(options.patches.begin(), options.patches.end());
    request.replace = !options.no_replace;
    request.accepted_layouts = accepted_layouts(options.accepted);
    const kernel::Kernel kernel = open_kernel(named_or_default_kernel(options.kernel));
    const fs::path path = options.output.empty() ? pipeline::module_name(kernel, request) + ".ko" : options.output;
    std::vector<fs::path> inputs = request.patches;
    append_kernel_files(inputs, kernel.manifest(), path);
    OutputFile output(path, inputs);
    std::vector<std::byte> module = make_module(kernel, options, attempt, outcome.findings);
    {
        const auto stage = attempt.timings.stage("write");
        output.write(std::move(module));
    }
    attempt.module = path;
    deliver(output, options.json ? outcome.document()
                                 : report::build_text(attempt.report, path, attempt.timings, options.verbose));
    return ExitCode::done;
}

ExitCode run_build(BuildOptions& options) {
    Attempt attempt;
    return with_document(options.json, options.output, [&](Outcome& outcome) {
        outcome.result = [&] { return report::build_json(attempt.report, attempt.module, attempt.timings); };
        return build_patch(options, attempt, outcome);
    });
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
    command.run([options] { return run_build(*options); });
}

}  // namespace klp::cli
