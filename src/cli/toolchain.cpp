// SPDX-License-Identifier: GPL-2.0-or-later
// klp toolchain: compilers of other distributions.
#include <fmt/format.h>

#include <memory>

#include "cli/command.hpp"
#include "packages/toolchain.hpp"
#include "report/document.hpp"
#include "report/text.hpp"

namespace klp::cli {

namespace {

constexpr auto toolchain_add_footer =
    R"(ROOT may be any folder with a distribution in it, such as an exported container: it has to have gcc, binutils and make.
It stays where it is, and is never written to; its programs run in a sandbox (bubblewrap) that sees it as /, without network.
A kernel is built for with the toolchain that has the very compiler that made it, unless this machine has that itself.)";

std::string versions_of(const kernel::Toolchain& toolchain) {
    std::string text;
    for (const kernel::ToolchainCompiler& compiler : toolchain.compilers)
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", compiler.program, compiler.version);
    return text;
}

void print_toolchains(bool json) {
    const std::vector<kernel::Toolchain> toolchains = kernel::list_toolchains();
    if (!json) {
        report::Table table({"NAME", "COMPILERS", "ROOT"});
        for (const kernel::Toolchain& toolchain : toolchains)
            table.add({toolchain.name, versions_of(toolchain), toolchain.root.string()});
        print_result(table.text());
        return;
    }
    Json array = Json::array();
    for (const kernel::Toolchain& toolchain : toolchains) {
        Json compilers = Json::array();
        for (const kernel::ToolchainCompiler& compiler : toolchain.compilers)
            compilers.push_back(
                {{"program", compiler.program}, {"version", compiler.version}, {"machine", compiler.machine}});
        array.push_back({{"name", toolchain.name},
                         {"root", toolchain.root.string()},
                         {"fetched", toolchain.fetched},
                         {"compilers", compilers}});
    }
    print_result(report::to_text(array));
}

void add_toolchain_list(CommandLine& group) {
    const auto json = std::make_shared<bool>(false);
    CommandLine command = group.command("list", "the toolchains there are");
    command.flag("--json", *json, "print a JSON array");
    command.run([json] {
        print_toolchains(*json);
        return ExitCode::done;
    });
}

void add_toolchain_add(CommandLine& group) {
    const auto name = std::make_shared<std::string>();
    const auto root = std::make_shared<std::filesystem::path>();
    CommandLine command = group.command("add", "use the compiler of a folder with a distribution in it");
    command.footer(toolchain_add_footer);
    command.value("NAME", *name, "the name it gets here").required();
    command.value("ROOT", *root, "the folder").required().type_name("DIR");
    command.run([name, root] {
        print_result(versions_of(packages::add_toolchain(*name, *root)) + '\n');
        return ExitCode::done;
    });
}

void add_toolchain_remove(CommandLine& group) {
    const auto name = std::make_shared<std::string>();
    CommandLine command = group.command("remove", "forget a toolchain; what was fetched for it is removed");
    command.value("NAME", *name, "a toolchain of the list").required();
    command.run([name] {
        kernel::remove_toolchain(*name);
        return ExitCode::done;
    });
}

}  // namespace

void add_toolchain(CommandLine& program) {
    CommandLine group = program.command("toolchain", "compilers of other distributions: list, add, remove");
    group.require_command();
    add_toolchain_list(group);
    add_toolchain_add(group);
    add_toolchain_remove(group);
}

}  // namespace klp::cli
