// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/diff.hpp"

#include <memory>
#include <optional>

#include "cli/accept.hpp"
#include "cli/command.hpp"
#include "report/diff.hpp"
#include "report/findings.hpp"

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

ExitCode run_diff(const DiffOptions& options) {
    std::optional<OutputFile> output;
    if (!options.output.empty())
        output.emplace(options.output, std::vector<fs::path>{options.original, options.patched});
    const elf::Object original = elf::Object::read(options.original);
    const elf::Object patched = elf::Object::read(options.patched);
    const auto print = [&](const std::string& text) { output ? print_result(text, *output) : print_result(text); };
    Diagnostics diagnostics;
    const auto compared = [&] {
        try {
            diff::Result result = compare(original, patched, options, diagnostics);
            diagnostics.stop_on_errors("the change is refused");
            return result;
        } catch (const Error&) {
            print_findings(diagnostics);
            if (options.json && diagnostics.has_errors()) print(report::to_text(report::refused_json(diagnostics)));
            throw;
        }
    };
    const diff::Result result = compared();
    print_findings(diagnostics);
    const std::string results = options.json ? report::to_text(report::diff_json(result)) : report::diff_text(result);
    if (output && !result.unchanged()) {
        output->write(result.extracted.write());
        deliver(*output, results);
    } else {
        print(results);
    }
    return result.unchanged() ? ExitCode::unchanged : ExitCode::done;
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
    command.run([options] { return run_diff(*options); });
}

}  // namespace klp::cli
