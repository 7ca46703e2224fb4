// SPDX-License-Identifier: GPL-2.0-or-later
// The command line: one file a subcommand. Only this room prints and decides the exit status.
#pragma once

#include <CLI/CLI.hpp>

#include "base/diagnostics.hpp"
#include "base/error.hpp"
#include "base/progress.hpp"

namespace klp::cli {

// Each adds its subcommand to `app`; its callback runs the command. Failures leave as exceptions, an exit
// status other than 0 without an exception by throwing CLI::RuntimeError(status).
void add_kernel(CLI::App& app);
void add_build(CLI::App& app);
void add_run(CLI::App& app);
void add_diff(CLI::App& app);
void add_inspect(CLI::App& app);
void add_convert(CLI::App& app);
void add_symbols_db(CLI::App& app);
void add_check(CLI::App& app);
void add_simulate(CLI::App& app);

// Progress lines on standard error.
[[nodiscard]] Progress stderr_progress();
// All findings, errors last, on standard error: `klp: error: LOCATION: MESSAGE [id]`, notes and hints indented.
void print_findings(const Diagnostics& diagnostics);
void print_error(const Error& error);

// Parses and runs; the exit status of the process.
int run_program(int argc, char** argv);

}  // namespace klp::cli
