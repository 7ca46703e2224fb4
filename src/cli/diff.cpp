// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/diff.hpp"

#include <memory>
#include <optional>

#include "cli/accept.hpp"
#include "cli/command.hpp"
#include "cli/outcome.hpp"
#include "report/diff.hpp"

namespace klp::cli {

namespace {

struct DiffOptions {
    std::string original;
    std::string patched;
    std::string output;
    std::vector<std::string> accepted;
    bool json = false;
};

// The types of both objects, where both say what they are.
struct ObjectTypes {
    diff::TypeTable original, patched;
};

std::optional<ObjectTypes> types_of(const elf::Object& original, const elf::Object& patched, Diagnostics& diagnostics) {
    for (const elf::Object* each : {&original, &patched}) {
        if (diff::TypeTable::is_in(*each)) continue;
        diagnostics
            .warning("diff.types-unknown", {each->display_name(), {}, {}},
                     "the object has no debug information: whether the layout of a type changed was not looked at")
            .hint("compile both objects with -g");
        return std::nullopt;
    }
    return ObjectTypes{diff::TypeTable::read(original), diff::TypeTable::read(patched)};
}

diff::Result compare(const elf::Object& original, const elf::Object& patched, const DiffOptions& options,
                     Diagnostics& diagnostics) {
    const auto types = types_of(original, patched, diagnostics);
    diff::Options rules{.untraced_objects = true};
    if (types) rules.types.emplace(diff::Options::Types{types->original, types->patched});
    rules.accepted_layouts = accepted_layouts(options.accepted);
    diff::Result result = diff::diff(diff::decompose(original, patched, {}, diagnostics), rules, diagnostics);
    if (types) {
        diff::check_accepted(rules.accepted_layouts, {&types->original, &types->patched}, result.accepted_layouts,
                             diagnostics);
    }
    return result;
}

diff::Result compare_or_refuse(const elf::Object& original, const elf::Object& patched, const DiffOptions& options,
                               Diagnostics& findings) {
    try {
        diff::Result result = compare(original, patched, options, findings);
        findings.stop_on_errors("the change is refused");
        print_findings(findings);
        return result;
    } catch (const std::exception&) {
        print_findings(findings);
        throw;
    }
}

ExitCode run_diff(const DiffOptions& options, Outcome& outcome) {
    std::optional<OutputFile> output;
    if (!options.output.empty())
        output.emplace(options.output, std::vector<fs::path>{options.original, options.patched});
    const elf::Object original = elf::Object::read(options.original);
    const elf::Object patched = elf::Object::read(options.patched);
    const diff::Result result = compare_or_refuse(original, patched, options, outcome.findings);
    const ExitCode status = result.unchanged() ? ExitCode::unchanged : ExitCode::done;
    outcome.result = [&] { return report::diff_json(result); };
    const std::string results = options.json ? outcome.document(status) : report::diff_text(result);
    if (output && !result.unchanged()) {
        output->write(result.extracted.write());
        deliver(*output, results);
    } else {
        output ? print_result(results, *output) : print_result(results);
    }
    return status;
}

}  // namespace

void add_diff(CommandLine& program) {
    CommandLine command =
        program.command("diff", "compare two compilations of one source file, and extract what changed");
    const auto options = std::make_shared<DiffOptions>();
    command.value("original", options->original, "object of the original source").required().type_name("ORIGINAL.o");
    command.value("patched", options->patched, "object of the patched source").required().type_name("PATCHED.o");
    command.value("-o,--output", options->output, "write what changed as an object file")
        .not_empty()
        .type_name("OUT.o");
    add_accept_option(command, options->accepted);
    command.flag("--json", options->json, "print JSON");
    command.run([options] {
        return with_document(options->json, options->output,
                             [&](Outcome& outcome) { return run_diff(*options, outcome); });
    });
}

}  // namespace klp::cli
