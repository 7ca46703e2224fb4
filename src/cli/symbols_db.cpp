// SPDX-License-Identifier: GPL-2.0-or-later
// klp symbols-db: the symbols of a kernel in one file.
#include "kernel/symbols_db.hpp"

#include <fmt/format.h>

#include <memory>

#include "cli/command.hpp"
#include "cli/open_kernel.hpp"
#include "kernel/image.hpp"

namespace klp::cli {

namespace {

constexpr auto symbols_db_footer =
    R"(Either a kernel of the catalogue with all its modules, or a VMLINUX and MODULES as built. Module.symvers and .config are
then looked for beside VMLINUX.)";

struct SymbolsDbOptions {
    std::string kernel;
    std::vector<std::string> files;  // vmlinux, modules
    std::string config;
    std::string symvers;
    std::string output;
};

std::string beside(const fs::path& vmlinux, const std::string& given, const char* name, const char* option) {
    if (!given.empty()) return given;
    const fs::path path = vmlinux.parent_path() / name;
    if (fs::is_regular_file(path)) return path.string();
    throw Error(fmt::format("{}: no {} beside it", vmlinux.string(), name)).hint(fmt::format("name it: {}", option));
}

kernel::Kernel built_kernel(const SymbolsDbOptions& options) {
    const fs::path vmlinux = options.files.front();
    kernel::Manifest manifest;
    manifest.name = vmlinux.string();
    manifest.vmlinux = vmlinux;
    manifest.config = beside(vmlinux, options.config, ".config", "--config");
    manifest.symvers = beside(vmlinux, options.symvers, "Module.symvers", "--symvers");
    const MappedFile file(vmlinux);
    manifest.release = kernel::release_of_vmlinux(file.bytes(), {vmlinux.string(), {}, {}});
    manifest.arch = arch::for_object(elf::Object::read(vmlinux)).name();
    return kernel::Kernel(std::move(manifest));
}

ExitCode run_symbols_db(const SymbolsDbOptions& options) {
    if (options.files.empty()) {
        const kernel::Kernel kernel(chosen_kernel(options.kernel));
        write_file(options.output, kernel::make_symbols_db({kernel, kernel::module_paths(kernel)}));
        return ExitCode::done;
    }
    const kernel::Kernel kernel = built_kernel(options);
    write_file(options.output, kernel::make_symbols_db({kernel, {options.files.begin() + 1, options.files.end()}}));
    return ExitCode::done;
}

}  // namespace

void add_symbols_db(CommandLine& program) {
    CommandLine command = program.command("symbols-db", "write the symbols of a kernel to a file for klp convert");
    command.footer(symbols_db_footer);
    const auto options = std::make_shared<SymbolsDbOptions>();
    const Option kernel = command.value("--kernel", options->kernel, "kernel of the catalogue");
    command.values("files", options->files, "vmlinux and modules of a built kernel")
        .type_name("VMLINUX MODULE")
        .excludes(kernel);
    command.value("--config", options->config, "its configuration").type_name("FILE");
    command.value("--symvers", options->symvers, "its Module.symvers").type_name("FILE");
    command.value("-o,--output", options->output, "the file to write").required().type_name("DB");
    command.run([options] { return run_symbols_db(*options); });
}

}  // namespace klp::cli
