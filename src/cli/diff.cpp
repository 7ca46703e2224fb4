// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/diff.hpp"

#include <memory>
#include <optional>

#include "arch/registry.hpp"
#include "cli/accept.hpp"
#include "cli/command.hpp"
#include "cli/outcome.hpp"
#include "report/diff.hpp"
#include "report/explain.hpp"

namespace klp::cli {

namespace {

struct DiffOptions {
    std::string original;
    std::string patched;
    std::string output;
    std::vector<std::string> accepted;
    bool json = false;
    bool explain = false;
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

using Explained = std::optional<pipeline::ExplainedBuild>;

// Whoever compares says what was found, before any of it is refused.
class DiffExplainer {
public:
    DiffExplainer(const elf::Object& original, const elf::Object& patched)
        : disassembler_(arch::for_object(patched)),
          name_(patched.display_name()),
          original_(source_of(original)),
          patched_(source_of(patched)),
          original_name_(original.display_name()) {}

    void explain(const diff::Changes& changes, const diff::Selection& selection) {
        explanation_ = diff::explain(changes, selection, {disassembler_, original_.get(), patched_.get(), nullptr});
    }

    [[nodiscard]] pipeline::ExplainedBuild result(const Diagnostics& findings) const {
        pipeline::ExplainedBuild result{disassembler_.program(), {{name_, {}, {}, explanation_}}, {}};
        for (const Finding& each : findings.findings()) {
            const auto& source = each.where.file == original_name_ ? original_ : patched_;
            result.findings.push_back({each, source ? source->about(each.where) : std::nullopt});
        }
        return result;
    }

private:
    static std::unique_ptr<diff::SourceMap> source_of(const elf::Object& object) {
        if (!diff::DebugImage::is_in(object)) return nullptr;
        return std::make_unique<diff::SourceMap>(object, [](const std::string& name) { return name; });
    }

    diff::Disassembler disassembler_;
    std::string name_;
    std::unique_ptr<diff::SourceMap> original_, patched_;
    std::string original_name_;
    diff::Explanation explanation_;
};

diff::Result compare(const elf::Object& original, const elf::Object& patched, const DiffOptions& options,
                     DiffExplainer* explainer, Diagnostics& diagnostics) {
    const auto types = types_of(original, patched, diagnostics);
    diff::Options rules{.untraced_objects = true, .other_lines = true};
    if (types) rules.types.emplace(diff::Options::Types{types->original, types->patched});
    const Accepted accepted = accepted_changes(options.accepted);
    rules.accepted_layouts = accepted.layouts;
    rules.left_out = accepted.left_out;
    if (explainer != nullptr)
        rules.on_selected = [&](const auto& changes, const auto& selection) { explainer->explain(changes, selection); };
    diff::Result result = diff::diff(diff::decompose(original, patched, {}, diagnostics), rules, diagnostics);
    if (types) {
        diff::check_accepted(rules.accepted_layouts, {&types->original, &types->patched}, result.accepted_layouts,
                             diagnostics);
    }
    diff::check_left_out(rules.left_out, {result.forced.begin(), result.forced.end()}, diagnostics);
    return result;
}

diff::Result compare_or_refuse(const elf::Object& original, const elf::Object& patched, const DiffOptions& options,
                               Diagnostics& findings, Explained& explained) {
    std::optional<DiffExplainer> explainer;
    if (options.explain) explainer.emplace(original, patched);
    const auto tell = [&] {
        print_findings(findings);
        if (explainer) explained = explainer->result(findings);
    };
    try {
        diff::Result result = compare(original, patched, options, explainer ? &*explainer : nullptr, findings);
        findings.stop_on_errors("the change is refused");
        tell();
        return result;
    } catch (const std::exception&) {
        tell();
        throw;
    }
}

Json explained_json(Json result, const Explained& explained) {
    if (explained) result["explanation"] = report::explanation_json(*explained);
    return result;
}

std::string explained_text(std::string result, const Explained& explained) {
    return explained ? std::move(result) + "\n" + report::explanation_text(*explained) : result;
}

void print_diff(const std::string& text, const std::optional<OutputFile>& output) {
    output ? print_result(text, *output) : print_result(text);
}

ExitCode run_diff(const DiffOptions& options, Outcome& outcome, Explained& explained) {
    std::optional<OutputFile> output;
    if (!options.output.empty())
        output.emplace(options.output, std::vector<fs::path>{options.original, options.patched});
    const elf::Object original = elf::Object::read(options.original);
    const elf::Object patched = elf::Object::read(options.patched);
    const auto compared = [&] {
        try {
            return compare_or_refuse(original, patched, options, outcome.findings, explained);
        } catch (const std::exception&) {
            if (explained && !options.json) print_diff(report::explanation_text(*explained), output);
            throw;
        }
    };
    const diff::Result result = compared();
    const ExitCode status = result.unchanged() ? ExitCode::unchanged : ExitCode::done;
    outcome.result = [&] { return explained_json(report::diff_json(result), explained); };
    const std::string results =
        options.json ? outcome.document(status) : explained_text(report::diff_text(result), explained);
    if (output && !result.unchanged()) {
        output->write(result.extracted.write());
        deliver(*output, results);
    } else {
        print_diff(results, output);
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
    command.flag("--explain", options->explain,
                 "tell why: instructions, constants, inlined functions, who refers to what");
    command.flag("--json", options->json, "print JSON");
    command.run([options] {
        Explained explained;
        return with_document(options->json, options->output, [&](Outcome& outcome) {
            outcome.result = [&] { return explained_json(Json::object(), explained); };
            return run_diff(*options, outcome, explained);
        });
    });
}

}  // namespace klp::cli
