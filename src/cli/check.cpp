// SPDX-License-Identifier: GPL-2.0-or-later
// klp check: what is wrong with a livepatch module, before a kernel has to tell.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "check/check.hpp"
#include "cli/command.hpp"
#include "kernel/catalogue.hpp"
#include "kernel/module.hpp"
#include "report/check.hpp"

namespace klp::cli {

namespace {

constexpr auto footer =
    R"(Without --kernel, the module is checked against the kernel of the catalogue that its vermagic names; where there is
none, or with --kernel none, its structure alone. docs/checks.md explains every rule.

exit status: 0 no error; 1 the file cannot be read; 2 a finding is an error; 64 wrong usage)";

constexpr std::string_view no_kernel = "none";

struct CheckOptions {
    std::string module;
    std::string kernel;
    std::vector<std::string> objects;
    bool json = false;
};

// nullopt: structure alone.
std::optional<kernel::Manifest> kernel_for(const CheckOptions& options, const elf::Object& module) {
    if (options.kernel == no_kernel) return std::nullopt;
    if (!options.kernel.empty()) return kernel::find(options.kernel);
    const auto release = check::release_of(module);
    for (kernel::Manifest& manifest : kernel::list()) {
        const bool fits = manifest.release == release && arch::for_name(manifest.arch).machine() == module.machine();
        if (fits) return std::move(manifest);
    }
    return std::nullopt;
}

void say_that_no_kernel_fits(const CheckOptions& options, const elf::Object& module, Diagnostics& findings) {
    if (options.kernel == no_kernel) return;
    const std::string release = check::release_of(module).value_or("");
    findings
        .add(Severity::note, "check.no-kernel", {options.module, ".modinfo", {}},
             fmt::format("no kernel of release '{}' is in the catalogue: structure is checked alone", release))
        .hint("name one with --kernel, or get it with 'klp kernel fetch'");
}

void check(const CheckOptions& options) {
    const elf::Object module = kernel::read_module_object(options.module);
    Diagnostics findings;
    check::Summary summary;
    const auto manifest = kernel_for(options, module);
    if (manifest) {
        check::Request request;
        request.objects.assign(options.objects.begin(), options.objects.end());
        summary = check::check_module(module, kernel::Kernel(*manifest), request, findings);
    } else {
        summary = check::check_module(module, findings);
        say_that_no_kernel_fits(options, module, findings);
    }
    if (options.json) {
        std::cout << report::to_text(report::check_json(options.module, findings, summary));
    } else {
        print_findings(findings);
        std::cout << report::check_text(options.module, findings, summary);
    }
    if (findings.has_errors()) throw CLI::RuntimeError(static_cast<int>(ExitCode::unsafe));
}

}  // namespace

void add_check(CLI::App& app) {
    CLI::App* command = app.add_subcommand("check", "find what is wrong with a livepatch module");
    const auto options = std::make_shared<CheckOptions>();
    command->footer(footer);
    command->add_option("module", options->module, "livepatch module (FILE.ko)")->required()->type_name("FILE.ko");
    command->add_option("--kernel", options->kernel, "kernel of the catalogue, or 'none'")->type_name("NAME");
    command->add_option("--object", options->objects, "take this file for the kernel's module of its name")
        ->allow_extra_args(false)
        ->type_name("M.ko");
    command->add_flag("--json", options->json, "print JSON");
    command->callback([options] { check(*options); });
}

}  // namespace klp::cli
