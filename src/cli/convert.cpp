// SPDX-License-Identifier: GPL-2.0-or-later
#include "convert/convert.hpp"

#include <fmt/format.h>

#include <memory>

#include "cli/choose_kernel.hpp"
#include "cli/command.hpp"
#include "cli/kernel.hpp"
#include "cli/open_kernel.hpp"
#include "kernel/catalogue.hpp"
#include "kernel/module.hpp"
#include "kernel/symbols_db.hpp"
#include "link/signature.hpp"
#include "report/convert.hpp"
#include "report/document.hpp"

namespace klp::cli {

namespace {

constexpr auto convert_footer =
    R"(Without --kernel and --symbols, the kernel is the one of the catalogue that the modules' vermagic names. The symbols of
another release are refused, unless the kernel compares CRCs instead of releases (CONFIG_MODVERSIONS) and the module has
them: then there is a warning.)";

struct ConvertOptions {
    std::string input;
    std::string output;
    std::string kernel;
    std::string symbols;
    std::vector<std::string> objects;
    std::vector<std::string> modules;  // files
    std::vector<std::string> signing;  // key and certificate
    bool json = false;
};

// include/linux/module_signature.h leaves the digest to the key's holder; the kernel's build takes this one.
std::string hash_of(const kernel::SymbolSource& symbols) {
    const auto hash = symbols.config("CONFIG_MODULE_SIG_HASH");
    return hash && !hash->empty() ? *hash : "sha256";
}

void print_notes(const ConvertOptions& options, const convert::Conversion& result) {
    const Progress note = stderr_progress();
    if (!result.changed) note("klp: note: " + options.input + ": nothing to convert; the output is as the input");
    if (result.signature_dropped)
        note("klp: note: " + options.input + ": the signature was dropped, since the module is another one now");
}

std::vector<fs::path> modules_of(const ConvertOptions& options) {
    std::vector<fs::path> files = {options.input};
    files.insert(files.end(), options.modules.begin(), options.modules.end());
    return files;
}

// Symbols of another kernel than the one that the module was compiled for are not worth converting for where the kernel
// would not load the result (kernel/module/version.c:same_magic): it looks away from the release where it compares
// CRCs.
void check_releases(const ConvertOptions& options, const kernel::SymbolSource& symbols) {
    const std::vector<ModuleFile> files = read_targets(modules_of(options));
    const std::uint16_t machine = symbols.arch().machine();
    const bool compares_versions = symbols.config("CONFIG_MODVERSIONS") == "y";
    for (const ModuleFile& file : files) {
        const kernel::ModuleTarget& target = file.target;
        const bool is_for_it = target.release == symbols.release() && target.machine == machine;
        const bool may_be_loaded = target.machine == machine && compares_versions && target.has_versions;
        if (target.release.empty() || is_for_it || may_be_loaded) continue;
        throw Error(
            {file.path, ".modinfo", {}},
            fmt::format("is for release '{}'{}, but the symbols are those of '{}', a kernel that does not load it",
                        target.release, target.machine == machine ? "" : " of another architecture", symbols.release()))
            .hint("convert it with the symbols of the kernel that it was compiled for");
    }
    warn_of_other_kernels(files, symbols.release(), machine);
}

void convert_with(const ConvertOptions& options, const kernel::SymbolSource& symbols, OutputFile& output) {
    check_releases(options, symbols);
    Diagnostics diagnostics;
    const auto convert = [&] {
        try {
            convert::Conversion result = convert::convert(kernel::ModuleBytes(options.input).take(), options.input,
                                                          symbols, {options.objects}, diagnostics);
            convert::check_functions(elf::Object::view(result.module, options.input), symbols, diagnostics);
            return result;
        } catch (const Error&) {
            print_findings(diagnostics);
            throw;
        }
    };
    convert::Conversion result = convert();
    print_findings(diagnostics);
    print_notes(options, result);
    if (!options.signing.empty()) {
        (void)link::drop_signature(result.module, options.input);
        link::append_signature(result.module, {options.signing[0], options.signing[1], hash_of(symbols)});
    }
    output.write(std::move(result.module));
    const report::ConvertReport report{result, options.input, options.output, symbols.release(),
                                       !options.signing.empty()};
    deliver(output, options.json ? report::to_text(report::document(report::convert_json(report)))
                                 : report::convert_text(report));
}

std::vector<fs::path> inputs_of(const ConvertOptions& options) {
    std::vector<fs::path> inputs = {options.input};
    for (const auto* files : {&options.modules, &options.signing})
        inputs.insert(inputs.end(), files->begin(), files->end());
    if (!options.symbols.empty()) inputs.emplace_back(options.symbols);
    return inputs;
}

ExitCode run_convert(const ConvertOptions& options) {
    const std::vector<fs::path> modules(options.modules.begin(), options.modules.end());
    std::vector<fs::path> inputs = inputs_of(options);
    if (!options.symbols.empty()) {
        OutputFile output(options.output, inputs);
        convert_with(options, *kernel::with_modules(kernel::read_symbols_db(options.symbols), modules), output);
        return ExitCode::done;
    }
    const kernel::Kernel kernel = open_kernel(options.kernel.empty() ? choose_kernel({}, modules_of(options))
                                                                     : kernel::find_kernel(options.kernel));
    append_kernel_files(inputs, kernel.manifest(), options.output);
    OutputFile output(options.output, inputs);
    convert_with(options, *kernel::with_modules(kernel::symbols_of(kernel), modules), output);
    return ExitCode::done;
}

}  // namespace

void add_convert(CommandLine& program) {
    CommandLine command =
        program.command("convert", "make livepatch relocations of what a hand-written livepatch module cannot import");
    const auto options = std::make_shared<ConvertOptions>();
    command.footer(convert_footer);
    command.value("livepatch", options->input, "livepatch module as the kernel's build makes it")
        .required()
        .type_name("IN.ko");
    command.value("-o,--output", options->output, "the converted module").required().not_empty().type_name("OUT.ko");
    const Option kernel = command.value("--kernel", options->kernel, chosen_kernel);
    command.value("--symbols", options->symbols, "symbols of the kernel, made by klp symbols-db")
        .type_name("DB")
        .excludes(kernel);
    command.repeated("--object", options->objects, "look for symbols in this object alone; repeatable")
        .type_name("NAME");
    command.repeated("--module", options->modules, "a module that does not come with the kernel; repeatable")
        .type_name("FILE.ko");
    command.values("--sign", options->signing, "sign the output: private key (PEM) and certificate")
        .count(2)
        .type_name("KEY CERT");
    command.flag("--json", options->json, "print JSON");
    command.run([options] { return run_convert(*options); });
}

}  // namespace klp::cli
