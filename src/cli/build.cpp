// SPDX-License-Identifier: GPL-2.0-or-later
#include "build/build.hpp"

#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "kernel/catalogue.hpp"
#include "report/build.hpp"

namespace klp::cli {

namespace {

struct BuildOptions {
    std::string kernel;
    std::string output;
    std::vector<std::string> patches;
    build::Request request;
    bool no_replace = false;
    bool json = false;
    bool verbose = false;
};

build::Report build_and_print_findings(const kernel::Kernel& kernel, const build::Request& request, Timings& timings) {
    Diagnostics diagnostics;
    try {
        build::Report report = build::build(kernel, request, stderr_progress(), timings, diagnostics);
        print_findings(diagnostics);
        return report;
    } catch (const Error&) {
        print_findings(diagnostics);
        throw;
    }
}

void build_patch(BuildOptions& options) {
    build::Request& request = options.request;
    request.patches.assign(options.patches.begin(), options.patches.end());
    request.output = options.output;
    request.replace = !options.no_replace;
    const kernel::Kernel kernel(options.kernel.empty() ? kernel::default_kernel() : kernel::find(options.kernel));
    Timings timings;
    const build::Report report = build_and_print_findings(kernel, request, timings);
    std::cout << (options.json ? report::to_text(report::build_json(report, timings))
                               : report::build_text(report, timings, options.verbose));
}

}  // namespace

void add_build(CLI::App& app) {
    CLI::App* command = app.add_subcommand("build", "make a livepatch module from source patches");
    const auto options = std::make_shared<BuildOptions>();
    command->add_option("patch", options->patches, "patch files (unified diffs), applied in this order")
        ->required()
        ->type_name("PATCH");
    command->add_option("--kernel", options->kernel, "kernel of the catalogue (default: the newest)")
        ->type_name("NAME");
    command->add_option("-o,--output", options->output, "file to write (default: NAME.ko)")->type_name("FILE.ko");
    command
        ->add_option("--name", options->request.name, "name of the module (default: livepatch_ and the patch file's)")
        ->type_name("N");
    command->add_flag("--no-replace", options->no_replace, "let the livepatches that are loaded already stay in force");
    command
        ->add_option("-j,--jobs", options->request.jobs, "compile that many files at once (default: one a processor)")
        ->check(CLI::Range(1U, 1024U))
        ->type_name("N");
    command->add_flag("-v,--verbose", options->verbose, "show each reference and how it was resolved");
    command->add_flag("--json", options->json, "print JSON");
    command->callback([options] { build_patch(*options); });
}

}  // namespace klp::cli
