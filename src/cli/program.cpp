// SPDX-License-Identifier: GPL-2.0-or-later
#include <cstdio>
#include <iostream>

#include "base/process.hpp"
#include "cli/command.hpp"

namespace klp::cli {

namespace {

constexpr int status_of(ExitCode code) {
    return static_cast<int>(code);
}

constexpr auto footer =
    "exit status: 0 done; 1 error; 2 the change is unsafe or cannot be expressed as a livepatch;\n"
    "3 the patch changes no code; 64 wrong usage\n"
    "environment: KLPKIT_CACHE is the folder of the kernels and caches (default: $XDG_CACHE_HOME/klpkit)";

void add_commands(CLI::App& app) {
    app.set_version_flag("--version", "klp " KLPKIT_VERSION);
    app.footer(footer);
    app.require_subcommand(1);
    add_kernel(app);
    add_build(app);
    add_run(app);
    add_diff(app);
    add_inspect(app);
    add_convert(app);
    add_symbols_db(app);
    add_check(app);
    add_simulate(app);
}

// "klp kernel fetch": the innermost command that was recognised, whose help is the one to read.
std::string command_line_of(const CLI::App& app) {
    std::string name = app.get_name();
    const CLI::App* command = &app;
    while (!command->get_subcommands().empty()) {
        command = command->get_subcommands().back();
        name += " " + command->get_name();
    }
    return name;
}

int wrong_usage(const CLI::App& app, const CLI::ParseError& error) {
    print_error(Error(error.what()).hint("see '" + command_line_of(app) + " --help'"));
    return status_of(ExitCode::usage);
}

// Help and version are exceptions of CLI11's too, with the exit status 0.
int end_of_parsing(const CLI::App& app, const CLI::ParseError& error) {
    if (dynamic_cast<const CLI::RuntimeError*>(&error) != nullptr) return error.get_exit_code();
    if (error.get_exit_code() == 0) return app.exit(error);
    return wrong_usage(app, error);
}

// A result that could not be written (a full disk, a closed pipe) must not look like success.
void flush_results() {
    std::cout.flush();
    const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good();
    if (!written) throw Error("results could not be written to standard output");
}

int run_app(CLI::App& app, int argc, char** argv) {
    try {
        app.parse(argc, argv);
        return status_of(ExitCode::done);
    } catch (const CLI::ParseError& error) {
        return end_of_parsing(app, error);
    }
}

int report(const Error& error) {
    print_error(error);
    return status_of(error.code());
}

}  // namespace

int run_program(int argc, char** argv) {
    try {
        CLI::App app("makes, proves and tries out Linux kernel live patches", "klp");
        add_commands(app);
        const int status = run_app(app, argc, argv);
        flush_results();
        return status;
    } catch (const Interrupted&) {
        return report(Error("interrupted; unfinished output was removed"));
    } catch (const Error& error) {
        return report(error);
    } catch (const std::bad_alloc&) {
        return report(Error("out of memory"));
    } catch (const std::exception& error) {
        return report(Error(error.what()));
    }
}

}  // namespace klp::cli
