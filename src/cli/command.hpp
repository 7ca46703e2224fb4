// SPDX-License-Identifier: GPL-2.0-or-later
// The commands: one file each. Only this library prints and decides the exit status.
#pragma once

#include "base/diagnostics.hpp"
#include "base/error.hpp"
#include "base/output.hpp"
#include "base/progress.hpp"
#include "cli/command_line.hpp"

namespace klp::cli {

// Each adds its command to the program's. Failures leave as exceptions.
void add_kernel(CommandLine& program);
void add_toolchain(CommandLine& program);
void add_build(CommandLine& program);
void add_explain(CommandLine& program);
void add_run(CommandLine& program);
void add_diff(CommandLine& program);
void add_inspect(CommandLine& program);
void add_convert(CommandLine& program);
void add_symbols_db(CommandLine& program);
void add_check(CommandLine& program);
void add_simulate(CommandLine& program);

// To standard output. Error: it cannot be written (a full disk). A reader that has gone away (`| head`) is none.
void print_result(std::string_view text);
// To where results go while `output` has standard output for itself: standard error.
void print_result(std::string_view text, const OutputFile& output);
// The end of every command that leaves a file, which has been written by now: prints the results, then makes the file
// visible. Results that cannot be printed leave no file.
void deliver(OutputFile& output, std::string_view results);
void print_to_stderr(const std::string& text);
// Progress lines on standard error, and a bar where it is a terminal.
[[nodiscard]] Progress stderr_progress();
// All findings, errors last, on standard error: `klp: error: LOCATION: MESSAGE [id]`, notes and hints indented.
void print_findings(const Diagnostics& diagnostics);
void print_error(const Error& error);
// The exception that is being handled, as it is told to people. Precondition: there is one.
[[nodiscard]] Error current_error();

// Parses and runs; the exit status of the process.
int run_program(int argc, char** argv);

}  // namespace klp::cli
