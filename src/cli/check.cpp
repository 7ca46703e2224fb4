// SPDX-License-Identifier: GPL-2.0-or-later
// klp check: what is wrong with a livepatch module, before a kernel has to tell.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "arch/registry.hpp"
#include "check/check.hpp"
#include "cli/choose_kernel.hpp"
#include "cli/command.hpp"
#include "cli/open_kernel.hpp"
#include "kernel/catalogue.hpp"
#include "kernel/module.hpp"
#include "report/check.hpp"
#include "report/document.hpp"

namespace klp::cli {

namespace {

constexpr auto check_footer =
    R"(Without --kernel, the module is checked against the kernel of the catalogue that its vermagic names; where there is
none, or with --kernel none, its structure alone. Files given with --object have to name the same kernel. docs/checks.md explains every rule.

exit status: 0 no error; 1 the file cannot be read; 2 a finding is an error; 64 wrong usage)";

constexpr std::string_view no_kernel = "none";

struct CheckOptions {
    std::string module;
    std::string kernel;
    std::vector<std::string> objects;
    bool json = false;
};

// nullopt: structure alone.
std::optional<kernel::Manifest> kernel_for(const CheckOptions& options) {
    if (options.kernel == no_kernel) return std::nullopt;
    if (!options.kernel.empty()) return kernel::find_kernel(options.kernel);
    std::vector<fs::path> files = {options.module};
    files.insert(files.end(), options.objects.begin(), options.objects.end());
    return fitting_kernel(read_targets(files));
}

void say_that_no_kernel_fits(const CheckOptions& options, const elf::Object& module, Diagnostics& findings) {
    if (options.kernel == no_kernel) return;
    const std::string release = check::release_of(module).value_or("");
    findings
        .add(Severity::note, "check.no-kernel", {options.module, ".modinfo", {}},
             fmt::format("no kernel of release '{}' is in the catalogue: structure is checked alone", release))
        .hint("name one with --kernel, or get it with 'klp kernel fetch'");
}

ExitCode check(const CheckOptions& options) {
    const auto manifest = kernel_for(options);
    const elf::Object module = kernel::read_module_object(options.module);
    Diagnostics findings;
    check::Summary summary;
    if (manifest) {
        check::Request request;
        request.objects.assign(options.objects.begin(), options.objects.end());
        summary = check::check_module(module, open_kernel(*manifest), request, findings);
    } else {
        summary = check::check_module(module, findings);
        say_that_no_kernel_fits(options, module, findings);
    }
    if (options.json) {
        print_result(report::to_text(report::document(report::check_json(options.module, findings, summary))));
    } else {
        print_findings(findings);
        print_result(report::check_text(options.module, findings, summary));
    }
    return findings.has_errors() ? ExitCode::unsafe : ExitCode::done;
}

}  // namespace

void add_check(CommandLine& program) {
    CommandLine command = program.command("check", "find what is wrong with a livepatch module");
    const auto options = std::make_shared<CheckOptions>();
    command.footer(check_footer);
    command.value("module", options->module, "livepatch module (FILE.ko)").required().type_name("FILE.ko");
    command.value("--kernel", options->kernel, "kernel of the catalogue, or 'none'").type_name("NAME");
    command.repeated("--object", options->objects, "take this file for the kernel's module of its name")
        .type_name("M.ko");
    command.flag("--json", options->json, "print JSON");
    command.run([options] { return check(*options); });
}

}  // namespace klp::cli
