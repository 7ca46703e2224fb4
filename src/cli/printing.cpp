// SPDX-License-Identifier: GPL-2.0-or-later
// Everything that is printed.
#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <mutex>

#include "base/errno_text.hpp"
#include "base/write.hpp"
#include "cli/command.hpp"
#include "cli/progress_bar.hpp"
#include "report/text.hpp"

namespace klp::cli {

namespace {

// A text of several lines (a compiler's output) keeps them, each indented; nothing in it steers the terminal.
std::string indented_lines(std::string_view text, std::string_view first, std::string_view rest) {
    std::string result;
    std::string_view prefix = first;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        result += fmt::format("{}{}\n", prefix, report::printable(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
        prefix = rest;
    }
    return result;
}

std::string text_of(const Finding& finding) {
    const std::string place = finding.where.text();
    const std::string what = fmt::format("{}{}{} [{}]", place, place.empty() ? "" : ": ", finding.message, finding.id);
    std::string text = indented_lines(what, fmt::format("klp: {}: ", report::word_of(finding.severity)), "  ");
    for (const std::string& note : finding.notes) text += indented_lines(note, "  note: ", "    ");
    for (const std::string& hint : finding.hints) text += indented_lines(hint, "  hint: ", "    ");
    return text;
}

// The bar of the terminal that standard error is.
std::mutex terminal_lock;
ProgressBar bar;

void show_progress(std::string_view what, std::size_t done, std::size_t all) {
    const std::lock_guard guard(terminal_lock);
    const std::string text = bar.step(what, done, all);
    std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace

// One write a message: lines of concurrent jobs do not mix.
void print_to_stderr(const std::string& text) {
    const std::lock_guard guard(terminal_lock);
    const std::string all = bar.is_shown() ? std::string(clear_line) + text : text;
    bar.hide();
    std::fwrite(all.data(), 1, all.size(), stderr);
}

void print_result(std::string_view text) {
    const int failure = write_all(STDOUT_FILENO, as_bytes(text));
    if (failure == 0 || failure == EPIPE) return;
    throw Error(fmt::format("results could not be written to standard output: {}", errno_text(failure)));
}

void print_result(std::string_view text, const OutputFile& output) {
    if (!output.is_standard_output()) return print_result(text);
    print_to_stderr(std::string(text));
}

void deliver(OutputFile& output, std::string_view results) {
    print_result(results, output);
    output.commit();
}

Progress stderr_progress() {
    const auto print_line = [](std::string_view line) { print_to_stderr(indented_lines(line, "", "")); };
    return ::isatty(STDERR_FILENO) == 1 ? Progress(print_line, show_progress) : Progress(print_line);
}

void print_findings(const Diagnostics& diagnostics) {
    constexpr std::array order = {Severity::note, Severity::warning, Severity::error};
    for (const Severity severity : order) {
        for (const Finding& finding : diagnostics.findings()) {
            if (finding.severity == severity) print_to_stderr(text_of(finding));
        }
    }
}

void print_error(const Error& error) {
    std::string text = indented_lines(error.what(), "klp: error: ", "  ");
    for (const std::string& hint : error.hints()) text += indented_lines(hint, "  hint: ", "    ");
    print_to_stderr(text);
}

}  // namespace klp::cli
