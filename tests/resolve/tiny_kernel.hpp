// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel of a few functions: units from assembly text, linked to an address as high as the real one, and modules
// made by `ld -r`. The same text is assembled once as a kernel build does it, with all functions in .text, and once
// as klpkit recompiles it, with a section for each.
#pragma once

#include <elf.h>
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/process.hpp"
#include "diff/diff.hpp"
#include "elf/object.hpp"
#include "kernel/kernel.hpp"
#include "resolve/resolve.hpp"
#include "support/assemble.hpp"

namespace klp::resolve::test {

// `func NAME … end NAME`, `variable NAME … end NAME`.
inline constexpr std::string_view macros = R"(
    .macro begin name, section, flags, kind
    .ifdef recompiled
    .section \section\().\name, "\flags"
    .else
    .section \section, "\flags"
    .endif
    .p2align 4
    .type \name, %\kind
    \name:
    .endm
    .macro func name
    begin \name, .text, ax, function
    .endm
    .macro variable name
    begin \name, .data, aw, object
    .endm
    .macro end name
    .size \name, . - \name
    .endm
    .macro string label, text
    .pushsection .rodata.str1.1, "aMS", @progbits, 1
    .L\label: .string "\text"
    .popsection
    .endm
)";

// GNU's tools for an architecture, and where its kernels are.
struct Tools {
    std::string_view arch;
    std::vector<std::string> assembler;
    std::string linker;
    std::string_view text_address;
};
inline const Tools x86_64_tools{"x86_64", {"as", "--64", "-mrelax-relocations=no"}, "ld", "0xffffffff81000000"};
inline const Tools arm64_tools{"arm64", {"aarch64-linux-gnu-as"}, "aarch64-linux-gnu-ld", "0xffff800008000000"};
inline const Tools ppc64le_tools{
    "ppc64le", {"powerpc64le-linux-gnu-as"}, "powerpc64le-linux-gnu-ld", "0xc000000000000000"};

inline elf::Object recompiled(std::string_view unit, const Tools& tools = x86_64_tools) {
    return klp::test::assemble_with(tools.assembler, ".set recompiled, 1\n" + std::string(macros) + std::string(unit));
}

class TinyKernel {
public:
    // Units in link order. `symvers` are lines of "SYMBOL MODULE".
    explicit TinyKernel(const std::vector<std::string>& units, std::string_view exports = {},
                        const Tools& tools = x86_64_tools)
        : tools_(tools) {
        std::vector<std::string> link = {tools.linker, "-o",         path("vmlinux"),
                                         "-e",         "0",          fmt::format("-Ttext={}", tools.text_address),
                                         "-z",         "noexecstack"};
        for (const std::string& object : assemble_all("vmlinux", units)) link.push_back(object);
        run_tool(std::move(link));
        set_config("CONFIG_KALLSYMS_ALL=y\n" + compiler_line());
        write_file(path("Module.symvers"), symvers(exports));
        fs::create_directories(path("modules"));
    }

    void add_module(const std::string& name, std::vector<std::string> units, std::string_view depends = {}) {
        units.push_back(".section .modinfo,\"a\"\n.string \"depends=" + std::string(depends) + "\"\n" +
                        ".section .gnu.linkonce.this_module,\"aw\"\n.globl __this_module\n__this_module: .zero 64\n");
        std::vector<std::string> link = {tools_.linker, "-r", "-o", path("modules/" + name + ".ko")};
        for (const std::string& object : assemble_all(name, units)) link.push_back(object);
        run_tool(std::move(link));
    }

    void set_config(std::string_view text) const { write_file(path("config"), text); }

    [[nodiscard]] kernel::Kernel kernel() const {
        kernel::Manifest manifest;
        manifest.name = manifest.release = "tiny";
        manifest.arch = tools_.arch;
        manifest.vmlinux = manifest.image = path("vmlinux");
        manifest.modules = path("modules");
        manifest.config = path("config");
        manifest.symvers = path("Module.symvers");
        return kernel::Kernel(manifest);
    }

private:
    [[nodiscard]] std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

    static void run_tool(std::vector<std::string> argv) {
        Command command;
        command.argv = std::move(argv);
        run_checked(command, "making a test kernel");
    }

    std::vector<std::string> assemble_all(const std::string& prefix, const std::vector<std::string>& units) {
        std::vector<std::string> objects;
        for (const std::string& unit : units) {
            objects.push_back(path(prefix + std::to_string(objects.size()) + ".o"));
            Command command;
            command.argv = tools_.assembler;
            command.argv.insert(command.argv.end(), {"-o", objects.back(), "-"});
            command.input = std::string(macros) + unit;
            run_checked(command, "assembling a test kernel");
        }
        return objects;
    }

    // The machine's, as kbuild records it.
    static std::string compiler_line() {
        const std::string version = run_checked({.argv = {"gcc", "--version"}}, "asking for the compiler").output;
        return fmt::format("CONFIG_CC_IS_GCC=y\nCONFIG_CC_VERSION_TEXT=\"{}\"\n",
                           version.substr(0, version.find('\n')));
    }

    static std::string symvers(std::string_view exports) {
        std::string lines;
        for (std::size_t at = 0; at < exports.size();) {
            const std::size_t space = exports.find(' ', at);
            const std::size_t end = std::min(exports.find('\n', at), exports.size());
            lines += "0x12345678\t" + std::string(exports.substr(at, space - at)) + "\t" +
                     std::string(exports.substr(space + 1, end - space - 1)) + "\tEXPORT_SYMBOL\t\n";
            at = end + 1;
        }
        return lines;
    }

    const Tools& tools_;
    TempDir folder_;
};

inline const FunctionProof& proof(const Unit& unit, const elf::Object& object, std::string_view name) {
    const elf::Symbol* symbol = object.find_symbol(name);
    if (symbol == nullptr || unit.proof_of(*symbol) == nullptr) throw Error("no proof of " + std::string(name));
    return *unit.proof_of(*symbol);
}

// A result of the differ that needs one symbol, as the original object has it.
inline diff::Result reference_to(const elf::Object& object, const std::string& name) {
    diff::Result result{{}, {}, {}, elf::Object(EM_X86_64, ByteOrder::little), {}};
    diff::Reference reference;
    reference.name = name;
    reference.original = object.find_symbol(name);
    reference.defined_in_unit = reference.original != nullptr && reference.original->is_defined();
    result.references.push_back(reference);
    return result;
}

inline diff::Result change_of(const elf::Object& object, const std::string& name) {
    diff::Result result{{}, {}, {}, elf::Object(EM_X86_64, ByteOrder::little), {}};
    diff::FunctionChange change;
    change.name = name;
    change.original = object.find_symbol(name);
    result.functions.push_back(change);
    return result;
}

}  // namespace klp::resolve::test
