// SPDX-License-Identifier: GPL-2.0-or-later
#include "convert/convert.hpp"

#include <memory>

#include "base/decompress.hpp"
#include "cli/command.hpp"
#include "cli/open_kernel.hpp"
#include "kernel/symbols_db.hpp"
#include "link/signature.hpp"
#include "report/convert.hpp"

namespace klp::cli {

namespace {

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

std::vector<std::byte> read_module(const std::string& path) {
    const MappedFile file(path);
    return decompress(detect_compression(file.bytes()), file.bytes(), {path, {}, {}});
}

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

void convert_with(const ConvertOptions& options, const kernel::SymbolSource& symbols) {
    Diagnostics diagnostics;
    const auto convert = [&] {
        try {
            return convert::convert(read_module(options.input), options.input, symbols, {options.objects}, diagnostics);
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
    write_file(options.output, result.module);
    const report::ConvertReport report{result, options.input, options.output, symbols.release(),
                                       !options.signing.empty()};
    print_result(options.json ? report::to_text(report::convert_json(report)) : report::convert_text(report));
}

ExitCode run_convert(const ConvertOptions& options) {
    const std::vector<fs::path> modules(options.modules.begin(), options.modules.end());
    if (!options.symbols.empty()) {
        convert_with(options, *kernel::with_modules(kernel::read_symbols_db(options.symbols), modules));
        return ExitCode::done;
    }
    const kernel::Kernel kernel = open_kernel(chosen_kernel(options.kernel));
    convert_with(options, *kernel::with_modules(kernel::symbols_of(kernel), modules));
    return ExitCode::done;
}

}  // namespace

void add_convert(CommandLine& program) {
    CommandLine command =
        program.command("convert", "make livepatch relocations of what a hand-written livepatch module cannot import");
    const auto options = std::make_shared<ConvertOptions>();
    command.value("module", options->input, "livepatch module as the kernel's build makes it")
        .required()
        .type_name("IN.ko");
    command.value("-o,--output", options->output, "the converted module").required().type_name("OUT.ko");
    const Option kernel = command.value("--kernel", options->kernel, "kernel of the catalogue");
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
