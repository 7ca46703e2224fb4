// SPDX-License-Identifier: GPL-2.0-or-later
// klp kernel: kernels as targets.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "kernel/catalogue.hpp"

namespace klp::cli {

namespace {

using Json = nlohmann::ordered_json;

void print_json(const Json& json) { fmt::print("{}\n", json.dump(2)); }

void add_fetch(CLI::App& kernel) {
    auto release = std::make_shared<std::string>("newest");
    CLI::App* fetch = kernel.add_subcommand("fetch", "get a kernel of this distribution: image, modules, prepared source");
    fetch->add_option("release", *release, "a release such as 6.1.0-56-amd64, or newest (default)");
    fetch->callback([release] {
        const kernel::Manifest manifest = kernel::fetch(*release, stderr_progress());
        fmt::print("{}\n", manifest.name);
    });
}

}  // namespace

void add_kernel(CLI::App& app) {
    CLI::App* kernel = app.add_subcommand("kernel", "kernels as targets: fetch, add, list, look into");
    kernel->require_subcommand(1);
    add_fetch(*kernel);
}

}  // namespace klp::cli
