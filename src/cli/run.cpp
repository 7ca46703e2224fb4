// SPDX-License-Identifier: GPL-2.0-or-later
// klp run: a livepatch at work in a guest.
#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/process.hpp"
#include "cli/command.hpp"
#include "guest/guest.hpp"
#include "kernel/catalogue.hpp"
#include "report/run.hpp"

namespace klp::cli {

namespace {

constexpr auto footer =
    R"(In the guest, in this order: load the modules named with --module; COMMAND ("before"); load each FILE.ko and wait
until its transition is complete; load those named with --late-module; COMMAND ("after"); disable and unload the
livepatches; COMMAND ("reverted"). So "before" runs without the late modules, and they stay loaded for "reverted".
A single word after -- is shell text; several are one command and its arguments. The shell and its tools are
busybox', the current folder is /, where the files named with --file are too.

exit status: 0 the livepatches were loaded, took effect and were unloaded; 1 one of the steps failed (the message
says which, the guest's console follows); 64 wrong usage. COMMAND's own status is reported only.
environment: KLPKIT_BUSYBOX is the static busybox that is put into the guest (default: the one in PATH; for a kernel of
another architecture that of Debian's package, which is downloaded to the cache))";

struct Arguments {
    std::string kernel;
    std::vector<std::string> livepatches;
    std::vector<std::string> command;
    std::vector<std::string> modules;
    std::vector<std::string> late_modules;
    std::vector<std::string> extra_files;
    unsigned time_limit = 120;
    std::string append;
    bool json = false;
    bool verbose = false;
};

// One word is shell text, as for `sh -c`; of several each is a word for the shell.
std::string command_text(const std::vector<std::string>& words) {
    if (words.size() == 1) return words.front();
    return words.empty() ? "" : Command{.argv = words}.text();
}

guest::Request make_request(const Arguments& arguments) {
    guest::Request request;
    request.livepatches.assign(arguments.livepatches.begin(), arguments.livepatches.end());
    request.command = command_text(arguments.command);
    request.modules = arguments.modules;
    request.late_modules = arguments.late_modules;
    request.files.assign(arguments.extra_files.begin(), arguments.extra_files.end());
    request.time_limit = std::chrono::seconds(arguments.time_limit);
    request.kernel_arguments = arguments.append;
    if (arguments.verbose)
        request.on_console = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); };
    return request;
}

void print_warnings(const guest::Result& result) {
    Diagnostics diagnostics;
    for (const std::string& line : result.warnings)
        diagnostics.warning("run.kernel-warning", {}, "the guest's kernel complained: " + line);
    print_findings(diagnostics);
}

void print_text(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

void run_command(const Arguments& arguments) {
    const kernel::Kernel kernel(arguments.kernel.empty() ? kernel::default_kernel() : kernel::find(arguments.kernel));
    const std::string& name = kernel.manifest().name;
    const guest::Result result = guest::run(kernel, make_request(arguments), stderr_progress());
    print_text(arguments.json ? report::to_text(report::run_json(name, result)) : report::run_text(name, result));
    if (result.ok()) {
        print_warnings(result);
        return;
    }
    constexpr std::size_t tail = 40;
    if (!arguments.verbose) {
        const std::string console = "== the guest's console, last lines\n" + report::console_tail(result, tail);
        std::fwrite(console.data(), 1, console.size(), stderr);
    }
    throw Error(result.failure);
}

// CLI11 cannot show a `--` in its line of usage.
class Help : public CLI::Formatter {
public:
    std::string make_usage(const CLI::App* /*app*/, std::string /*name*/) const override {
        return "Usage: klp run [OPTIONS] FILE.ko... [-- COMMAND]\n";
    }
};

// CLI11 knows no end of a list at `--`, but it keeps the `--` among the remaining words: COMMAND takes a word only
// when that is there, and the files get all others. It comes first to be asked first, and has no group since the
// help would list it first too.
void add_words(CLI::App& command, Arguments& arguments) {
    constexpr int any_number = 1 << 20;
    command.validate_positionals();
    command.add_option("COMMAND", arguments.command)
        ->expected(1, any_number)
        ->check([&command](const std::string&) {
            const auto rest = command.remaining();
            return std::ranges::find(rest, "--") == rest.end() ? "not after '--'" : "";
        })
        ->group("");
    command.add_option("FILE.ko", arguments.livepatches, "livepatch modules")->required()->type_name("");
}

}  // namespace

void add_run(CLI::App& app) {
    auto arguments = std::make_shared<Arguments>();
    auto* const command = app.add_subcommand("run", "boot a kernel in QEMU and show a livepatch at work in it");
    command->formatter(std::make_shared<Help>());
    command->footer(footer);
    add_words(*command, *arguments);
    command->add_option("--kernel", arguments->kernel, "kernel of the catalogue (default: the newest)")
        ->type_name("NAME");
    // One value an option, so that the files that follow are not taken for more of them.
    const auto add_list = [&](const char* name, std::vector<std::string>& list, const char* description) {
        return command->add_option(name, list, description)->allow_extra_args(false);
    };
    add_list("--module", arguments->modules, "load this module of the kernel, or .ko file, first")->type_name("M");
    add_list("--late-module", arguments->late_modules, "load this one after the livepatches")->type_name("M");
    add_list("--file", arguments->extra_files, "copy this file into the guest's root folder")->type_name("FILE");
    command->add_option("--timeout", arguments->time_limit, "seconds for the whole guest (default: 120)")
        ->check(CLI::Range(1U, 86400U))
        ->type_name("SECONDS");
    command->add_option("--append", arguments->append, "more arguments for the kernel's command line")
        ->type_name("TEXT");
    command->add_flag("--json", arguments->json, "print a JSON object");
    command->add_flag("-v,--verbose", arguments->verbose, "show the guest's console as it comes, on standard error");
    command->callback([arguments] { run_command(*arguments); });
}

}  // namespace klp::cli
