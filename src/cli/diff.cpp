// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/diff.hpp"

#include <memory>
#include <optional>

#include "cli/command.hpp"
#include "report/diff.hpp"

namespace klp::cli {

namespace {

struct DiffOptions {
    std::string original;
    std::string patched;
    std::string output;
    bool json = false;
};

ExitCode run_diff(const DiffOptions& options) {
    std::optional<OutputFile> output;
    if (!options.output.empty())
        output.emplace(options.output, std::vector<fs::path>{options.original, options.patched});
    const elf::Object original = elf::Object::read(options.original);
    const elf::Object patched = elf::Object::read(options.patched);
    Diagnostics diagnostics;
    const auto compared = [&] {
        try {
            return diff::diff(diff::decompose(original, patched, {}, diagnostics), {.untraced_objects = true},
                              diagnostics);
        } catch (const Error&) {
            print_findings(diagnostics);
            throw;
        }
    };
    const diff::Result result = compared();
    print_findings(diagnostics);
    const std::string results = options.json ? report::to_text(report::diff_json(result)) : report::diff_text(result);
    if (output && !result.unchanged()) {
        output->write(result.extracted.write());
        deliver(*output, results);
    } else if (output) {
        print_result(results, *output);
    } else {
        print_result(results);
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
    command.flag("--json", options->json, "print JSON");
    command.run([options] { return run_diff(*options); });
}

}  // namespace klp::cli
