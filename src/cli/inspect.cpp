// SPDX-License-Identifier: GPL-2.0-or-later
#include <memory>

#include "cli/command.hpp"
#include "kernel/module.hpp"
#include "report/document.hpp"
#include "report/inspect.hpp"

namespace klp::cli {

namespace {

struct InspectOptions {
    std::string module;
    bool json = false;
};

ExitCode inspect(const InspectOptions& options) {
    const check::InspectedModule module = check::inspect_module(kernel::read_module_object(options.module));
    print_result(options.json ? report::to_text(report::document(report::inspect_json(module)))
                              : report::inspect_text(module));
    return ExitCode::done;
}

}  // namespace

void add_inspect(CommandLine& program) {
    CommandLine command = program.command("inspect", "show what a livepatch module holds");
    const auto options = std::make_shared<InspectOptions>();
    command.value("module", options->module, "livepatch module (FILE.ko)").required().type_name("FILE.ko");
    command.flag("--json", options->json, "print JSON");
    command.run([options] { return inspect(*options); });
}

}  // namespace klp::cli
