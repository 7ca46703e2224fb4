// SPDX-License-Identifier: GPL-2.0-or-later
// klp run: a livepatch at work in a guest.
#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/process.hpp"
#include "cli/choose_kernel.hpp"
#include "cli/command.hpp"
#include "cli/open_kernel.hpp"
#include "guest/guest.hpp"
#include "report/document.hpp"
#include "report/run.hpp"

namespace klp::cli {

namespace {

constexpr auto run_footer =
    R"(In the guest, in this order: load the modules named with --module; COMMAND ("before"); load each FILE.ko and wait
until its transition is complete; load those named with --late-module; COMMAND ("after"); disable and unload the
livepatches; COMMAND ("reverted"). So "before" runs without the late modules, and they stay loaded for "reverted".
Without --kernel, the kernel is the one of the catalogue that the vermagic of the modules given as files names; all must
name the same one. A kernel that is named is booted whatever they say, with a warning: it tells itself what it thinks of
them.
A single word after -- is shell text; several are one command and its arguments. The shell and its tools are
busybox', the current folder is /, where the files named with --file are too.

exit status: 0 the livepatches were loaded, took effect and were unloaded; 1 one of the steps failed (the message
says which, the guest's console follows), or a function is not replaced though the kernel says so; 64 wrong usage.
COMMAND's own status is reported only.
environment: KLPKIT_BUSYBOX is the static busybox that is put into the guest (default: the one in PATH; for a kernel of
another architecture that of Debian's package, which is downloaded to the cache))";

struct RunOptions {
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

guest::Request make_request(const RunOptions& arguments) {
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

std::vector<fs::path> files_of(const RunOptions& arguments) {
    std::vector<fs::path> files(arguments.livepatches.begin(), arguments.livepatches.end());
    for (const auto* modules : {&arguments.modules, &arguments.late_modules})
        std::ranges::copy_if(*modules, std::back_inserter(files), guest::is_module_file);
    return files;
}

void print_warnings(const guest::Result& result) {
    Diagnostics diagnostics;
    for (const std::string& line : result.warnings)
        diagnostics.warning("run.kernel-warning", {}, "the guest's kernel complained: " + line);
    print_findings(diagnostics);
}

ExitCode run_command(const RunOptions& arguments) {
    const kernel::Kernel kernel(choose_kernel(arguments.kernel, files_of(arguments)));
    const std::string& name = kernel.manifest().name;
    const guest::Result result = guest::run(kernel, make_request(arguments), stderr_progress());
    print_result(arguments.json ? report::to_text(report::document(report::run_json(name, result)))
                                : report::run_text(name, result));
    if (result.ok()) {
        print_warnings(result);
        return ExitCode::done;
    }
    constexpr std::size_t tail = 40;
    if (!arguments.verbose) {
        const std::string console = "== the guest's console, last lines\n" + report::console_tail(result, tail);
        std::fwrite(console.data(), 1, console.size(), stderr);
    }
    throw Error(result.failure);
}

}  // namespace

void add_run(CommandLine& program) {
    auto arguments = std::make_shared<RunOptions>();
    CommandLine command = program.command("run", "boot a kernel in QEMU and show a livepatch at work in it");
    command.footer(run_footer);
    command.words_after_dashes(arguments->command, "klp run [OPTIONS] FILE.ko... [-- COMMAND]");
    command.values("FILE.ko", arguments->livepatches, "livepatch modules").required().type_name("");
    command.value("--kernel", arguments->kernel, chosen_kernel).type_name("NAME");
    command.repeated("--module", arguments->modules, "load this module of the kernel, or .ko file, first")
        .type_name("M");
    command.repeated("--late-module", arguments->late_modules, "load this one after the livepatches").type_name("M");
    command.repeated("--file", arguments->extra_files, "copy this file into the guest's root folder").type_name("FILE");
    command.value("--timeout", arguments->time_limit, "seconds for the whole guest (default: 120)")
        .range(1, 86400)
        .type_name("SECONDS");
    command.value("--append", arguments->append, "more arguments for the kernel's command line").type_name("TEXT");
    command.flag("--json", arguments->json, "print a JSON object");
    command.flag("-v,--verbose", arguments->verbose, "show the guest's console as it comes, on standard error");
    command.run([arguments] { return run_command(*arguments); });
}

}  // namespace klp::cli
