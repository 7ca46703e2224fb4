// SPDX-License-Identifier: GPL-2.0-or-later
#include "pipeline/build.hpp"

#include <limits>
#include <memory>

#include "base/file.hpp"
#include "check/check.hpp"
#include "cli/accept.hpp"
#include "cli/command.hpp"
#include "cli/kernel.hpp"
#include "cli/open_kernel.hpp"
#include "cli/outcome.hpp"
#include "kernel/module.hpp"
#include "pipeline/module_name.hpp"
#include "report/build.hpp"
#include "report/explain.hpp"

namespace klp::cli {

namespace {

struct BuildOptions {
    std::string kernel;
    std::string output;
    std::vector<std::string> patches;
    std::vector<std::string> accepted;
    pipeline::Request request{};
    bool no_replace = false;
    bool any_number = false;  // of units
    bool json = false;
    bool verbose = false;
    bool is_written = true;  // false: the module is made to see whether it can be, and forgotten
};

constexpr auto explain_footer =
    R"(For each function: the first instruction that differs, with the source line of both sides; the constant, or the inlined
function, that changed; who calls or refers to it. Of a patch that is refused, what was found until then, with the findings.
No module is written. The instructions are shown by objdump: for other architectures by that of binutils-multiarch.

exit status: as of klp build)";

// What is known of a build while it runs.
struct Attempt {
    pipeline::Report report;
    Timings timings;
    fs::path module;            // the file; empty: none is written
    bool is_explained = false;  // to people
};

void print_explanation(const pipeline::ExplainedBuild& explanation, const std::string& output) {
    const std::string text = report::explanation_text(explanation);
    if (leads_to_standard_output(output))
        print_to_stderr(text);
    else
        print_result(text);
}

// What `klp check` calls unsound is no result, whatever has led to it.
void check_result(const kernel::Kernel& kernel, Bytes module, Attempt& attempt, Diagnostics& findings) {
    const auto stage = attempt.timings.stage("check");
    const TempDir folder("klp-check");
    const fs::path path = folder.path() / (attempt.report.name + ".ko");
    write_file(path, module);
    Diagnostics found;
    check::check_module(kernel::read_module_object(path), kernel, {}, found);
    for (Finding each : found.findings()) {
        if (each.severity != Severity::error) continue;
        // The module has no file yet.
        if (each.where.file == path.string()) each.where.file = path.filename().string();
        Finding& added = findings.error(each.id, each.where, each.message);
        for (const std::string& note : each.notes) added.note(note);
        for (const std::string& hint : each.hints) added.hint(hint);
    }
    findings.stop_on_errors("the livepatch module would not be sound");
}

std::vector<std::byte> make_module(const kernel::Kernel& kernel, const BuildOptions& options, Attempt& attempt,
                                   Diagnostics& findings) {
    // An explanation has them, with their lines.
    const auto print = [&] {
        if (options.is_written || options.json) print_findings(findings);
    };
    try {
        auto module =
            pipeline::build(kernel, options.request, stderr_progress(), attempt.timings, findings, attempt.report);
        check_result(kernel, module, attempt, findings);
        print();
        return module;
    } catch (const std::exception&) {
        print();
        throw;
    }
}

kernel::Kernel prepare_request(BuildOptions& options) {
    pipeline::Request& request = options.request;
    request.patches.assign(options.patches.begin(), options.patches.end());
    request.replace = !options.no_replace;
    request.lines = options.json;
    if (options.any_number) request.max_units = std::numeric_limits<unsigned>::max();
    Accepted accepted = accepted_changes(options.accepted);
    request.accepted_layouts = std::move(accepted.layouts);
    request.left_out = std::move(accepted.left_out);
    return open_kernel(named_or_default_kernel(options.kernel));
}

ExitCode build_patch(BuildOptions& options, Attempt& attempt, Outcome& outcome) {
    const kernel::Kernel kernel = prepare_request(options);
    const pipeline::Request& request = options.request;
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
    attempt.is_explained = true;
    deliver(output, options.json ? outcome.document()
                                 : report::build_text(attempt.report, path, attempt.timings, options.verbose));
    return ExitCode::done;
}

// All that a build does, for the same exit status, but nothing is written.
ExitCode explain_patch(BuildOptions& options, Attempt& attempt, Outcome& outcome) {
    const kernel::Kernel kernel = prepare_request(options);
    (void)make_module(kernel, options, attempt, outcome.findings);
    attempt.is_explained = true;
    print_result(options.json ? outcome.document() : report::explanation_text(attempt.report.explanation.value()));
    return ExitCode::done;
}

ExitCode run_build(BuildOptions& options) {
    Attempt attempt;
    return with_document(options.json, options.output, [&](Outcome& outcome) {
        outcome.result = [&] {
            Json json = report::build_json(attempt.report, attempt.module, attempt.timings);
            json["findings"] = report::build_findings_json(outcome.findings, attempt.report);
            return json;
        };
        try {
            return options.is_written ? build_patch(options, attempt, outcome)
                                      : explain_patch(options, attempt, outcome);
        } catch (const std::exception&) {
            const auto& explanation = attempt.report.explanation;
            if (!options.json && explanation && !attempt.is_explained) print_explanation(*explanation, options.output);
            throw;
        }
    });
}

void add_options(CommandLine& command, BuildOptions& options) {
    command.values("patch", options.patches, "patch files (unified diffs), applied in this order")
        .required()
        .type_name("PATCH");
    command.value("--kernel", options.kernel, "kernel of the catalogue (default: the newest)").type_name("NAME");
    command.value("-j,--jobs", options.request.jobs, "compile that many files at once (default: one a processor)")
        .range(1, 1024)
        .type_name("N");
    add_accept_option(command, options.accepted);
    command
        .value("--limit,--max-units", options.request.max_units, "refuse headers that reach more units (default: 300)")
        .range(1, 1000000)
        .type_name("N");
    command.flag("-y,--yes", options.any_number, "compile however many units patched headers reach");
    command.flag("--json", options.json, "print JSON");
}

}  // namespace

void add_build(CommandLine& program) {
    CommandLine command = program.command("build", "make a livepatch module from source patches");
    const auto options = std::make_shared<BuildOptions>();
    add_options(command, *options);
    command.value("-o,--output", options->output, "file to write (default: NAME.ko)").not_empty().type_name("FILE.ko");
    command.value("--name", options->request.name, "name of the module (default: livepatch_ and the patch file's)")
        .type_name("N");
    command.flag("--no-replace", options->no_replace, "let the livepatches that are loaded already stay in force");
    command.flag("--explain", options->request.explain, "tell why each function is in the livepatch, as klp explain");
    command.flag("-v,--verbose", options->verbose, "show each reference and how it was resolved");
    command.run([options] { return run_build(*options); });
}

void add_explain(CommandLine& program) {
    CommandLine command = program.command("explain", "tell why each function would be in the livepatch of a patch");
    const auto options = std::make_shared<BuildOptions>();
    options->is_written = false;
    options->request.explain = true;
    command.footer(explain_footer);
    add_options(command, *options);
    command.run([options] { return run_build(*options); });
}

}  // namespace klp::cli
