// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/outcome.hpp"

#include "cli/command.hpp"
#include "report/document.hpp"

namespace klp::cli {

namespace {

// The failure itself is what the command ends with, whether or not it can be told here.
void print_failure(const Outcome& outcome, const std::string& output) {
    const Error error = current_error();
    try {
        const std::string text =
            report::to_text(report::document({error.code(), error}, outcome.findings, outcome.result()));
        if (leads_to_standard_output(output))
            print_to_stderr(text);
        else
            print_result(text);
    } catch (const Error& unprinted) {
        print_error(unprinted);
    }
}

}  // namespace

std::string Outcome::document(ExitCode status) {
    is_printed = true;
    return report::to_text(report::document({status, {}}, findings, result()));
}

ExitCode with_document(bool is_json, const std::string& output, const std::function<ExitCode(Outcome&)>& action) {
    Outcome outcome;
    try {
        return action(outcome);
    } catch (...) {
        if (is_json && !outcome.is_printed) print_failure(outcome, output);
        throw;
    }
}

}  // namespace klp::cli
