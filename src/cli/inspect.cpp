// SPDX-License-Identifier: GPL-2.0-or-later
#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "elf/object.hpp"
#include "format/livepatch.hpp"
#include "report/inspect.hpp"

namespace klp::cli {

namespace {

struct InspectOptions {
    std::string module;
    bool json = false;
};

void inspect(const InspectOptions& options) {
    const format::LivepatchModule module = format::read_module(elf::Object::read(options.module));
    std::cout << (options.json ? report::to_text(report::inspect_json(module)) : report::inspect_text(module));
}

}  // namespace

void add_inspect(CLI::App& app) {
    CLI::App* command = app.add_subcommand("inspect", "show what a livepatch module holds");
    const auto options = std::make_shared<InspectOptions>();
    command->add_option("module", options->module, "livepatch module (FILE.ko)")->required()->type_name("FILE.ko");
    command->add_flag("--json", options->json, "print JSON");
    command->callback([options] { inspect(*options); });
}

}  // namespace klp::cli
