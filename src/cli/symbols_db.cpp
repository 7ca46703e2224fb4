// SPDX-License-Identifier: GPL-2.0-or-later
// klp symbols-db: the symbols of a kernel in one file.
#include "kernel/symbols_db.hpp"
#include "arch/registry.hpp"

#include <fmt/format.h>

#include <memory>

#include "cli/command.hpp"
#include "cli/kernel.hpp"
#include "cli/open_kernel.hpp"
#include "kernel/catalogue.hpp"
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

kernel::Manifest named_files(const SymbolsDbOptions& options) {
    const fs::path vmlinux = options.files.front();
    kernel::Manifest manifest;
    manifest.name = vmlinux.string();
    manifest.vmlinux = vmlinux;
    manifest.config = beside(vmlinux, options.config, ".config", "--config");
    manifest.symvers = beside(vmlinux, options.symvers, "Module.symvers", "--symvers");
    return manifest;
}

kernel::Kernel built_kernel(kernel::Manifest manifest) {
    const MappedFile file(manifest.vmlinux);
    manifest.release = kernel::release_of_vmlinux(file.bytes(), {manifest.vmlinux.string(), {}, {}});
    manifest.arch = arch::for_object(elf::Object::read(manifest.vmlinux)).name();
    return kernel::Kernel(std::move(manifest));
}

OutputFile output_of(const SymbolsDbOptions& options, const kernel::Manifest& manifest) {
    std::vector<fs::path> inputs(options.files.begin(), options.files.end());
    append_kernel_files(inputs, manifest, options.output);
    return {options.output, inputs};
}

ExitCode run_symbols_db(const SymbolsDbOptions& options) {
    const bool is_built = !options.files.empty();
    kernel::Manifest manifest = is_built ? named_files(options) : named_or_default_kernel(options.kernel);
    OutputFile output = output_of(options, manifest);
    const kernel::Kernel kernel = is_built ? built_kernel(std::move(manifest)) : kernel::Kernel(std::move(manifest));
    const std::vector<fs::path> modules =
        is_built ? std::vector<fs::path>(options.files.begin() + 1, options.files.end()) : kernel::module_paths(kernel);
    output.write(kernel::make_symbols_db({kernel, modules}));
    deliver(output, {});
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
    command.value("-o,--output", options->output, "the file to write").required().not_empty().type_name("DB");
    command.run([options] { return run_symbols_db(*options); });
}

}  // namespace klp::cli
