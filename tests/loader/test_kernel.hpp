// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel of a few symbols and modules made by the assembler, for tests of the loader model.
#pragma once

#include <elf.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/process.hpp"
#include "elf/object.hpp"
#include "kernel/kernel.hpp"
#include "loader/simulation.hpp"

namespace klp::loader::test {

inline constexpr std::string_view release = "6.1.0-test";
inline constexpr std::string_view vermagic = "6.1.0-test SMP mod_unload ";

// Text at 0xffffffff81000000. `notrace_function` is not in ftrace's table; `twin` is there twice.
inline constexpr std::string_view kernel_text = R"(
    .macro function name
    .p2align 4
    .type \name, @function
    \name: call __fentry__
    ret
    .size \name, . - \name
    .endm
    .text
    .globl _stext
    _stext: .nops 16
    .globl klp_apply_section_relocs
    klp_apply_section_relocs: ret
    .globl __fentry__, klp_enable_patch, printk, gpl_only, spaced, module_layout
    __fentry__: ret
    function klp_enable_patch
    function printk
    function gpl_only
    function spaced
    function module_layout
    function show
    .set shown, show
    function other_function
    function local_helper
    .p2align 4
    .type notrace_function, @function
    notrace_function: ret
    .size notrace_function, 1
    .p2align 4
    .type twin, @function
    twin: call __fentry__
    ret
    .section .text.second, "ax"
    .p2align 4
    .type twin2, @function
    twin2: call __fentry__
    .data
    .globl __start_mcount_loc, __stop_mcount_loc
    __start_mcount_loc:
    .quad klp_enable_patch, printk, show, other_function, local_helper, twin, twin2
    __stop_mcount_loc:
    kernel_variable: .quad 1
    .globl _end, absolute
    .set absolute, 0x1000
    _end:
    .section .rodata, "a"
    .asciz "invalid access to vmlinux symbol '%s' from module-specific livepatch relocation section"
)";
// Symbols and texts by which a kernel of 7.x is told.
inline constexpr std::string_view late_kernel_text = R"(
    .text
    .globl module_get_offset_and_type, clear_relocate_add, module_mark_ro_after_init, __start___kflagstab
    module_get_offset_and_type: ret
    clear_relocate_add: ret
    module_mark_ro_after_init: ret
    .section .rodata, "a"
    __start___kflagstab: .byte 0
    .asciz "symbol string table missing leading NUL"
    .asciz "symbol %s at rela sec %u idx %d is not marked as a livepatch symbol"
)";
inline constexpr std::string_view config = R"(CONFIG_LIVEPATCH=y
CONFIG_MODULES=y
CONFIG_SMP=y
CONFIG_KALLSYMS_ALL=y
CONFIG_STRICT_MODULE_RWX=y
CONFIG_MODULE_UNLOAD=y
CONFIG_RANDOMIZE_BASE=y
CONFIG_STACKTRACE=y
CONFIG_HAVE_RELIABLE_STACKTRACE=y
CONFIG_HAVE_ARCH_PREL32_RELOCATIONS=y
CONFIG_DYNAMIC_FTRACE=y
)";
inline constexpr std::string_view symvers =
    "0x11111111\tklp_enable_patch\tvmlinux\tEXPORT_SYMBOL_GPL\t\n"
    "0x22222222\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n"
    "0x33333333\tgpl_only\tvmlinux\tEXPORT_SYMBOL_GPL\t\n"
    "0x44444444\tspaced\tvmlinux\tEXPORT_SYMBOL\tSPACE\n"
    "0x55555555\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t\n";

inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    if (at == std::string::npos) throw Error("no '" + std::string(from) + "' in the text of the test");
    return text.replace(at, from.size(), to);
}

// What kbuild adds to each module.
inline std::string frame(std::string_view name, std::string_view info = {}) {
    std::string text = fmt::format(R"(
    .section .modinfo,"a"
    .string "license=GPL"
    .string "vermagic={}"
    .string "intree=Y"
    .string "name={}"
    )",
                                   vermagic, name);
    for (const std::string_view line : {info}) {
        if (!line.empty()) text += fmt::format(".string \"{}\"\n", line);
    }
    return text + fmt::format(R"(
    .section .gnu.linkonce.this_module,"aw"
    .globl __this_module
    .type __this_module, @object
    __this_module: .zero 24
    .ascii "{}"
    .zero {}
    .size __this_module, 128
)",
                              name, 104 - name.size());
}

// GNU binutils of an architecture.
struct Toolchain {
    std::string arch;    // arch::Arch::name()
    std::string prefix;  // of the programs' names
    std::vector<std::string> assembler_options;
};
inline Toolchain native() {
    return {"x86_64", "", {"--64", "-mrelax-relocations=no"}};
}

class TestKernel {
public:
    explicit TestKernel(std::string_view text = kernel_text, std::string_view options = config,
                        std::string_view exports = symvers, Toolchain toolchain = native())
        : toolchain_(std::move(toolchain)) {
        setenv("KLPKIT_CACHE", path("cache").c_str(), 1);  // NOLINT: tests have one thread
        const std::string banner = fmt::format(".section .rodata.magic,\"a\"\n.byte 0\n.asciz \"{}\"\n", vermagic);
        assemble(std::string(text) + banner, path("vmlinux.o"));
        run({"objcopy", "--redefine-sym", "twin2=twin", path("vmlinux.o")});
        run({"ld", "-o", path("vmlinux"), "-e", "0", "-Ttext=0xffffffff81000000", "-z", "noexecstack",
             path("vmlinux.o")});
        write_file(path("config"), options);
        write_file(path("Module.symvers"), exports);
        fs::create_directories(path("modules"));
    }
    static TestKernel late() { return TestKernel(std::string(kernel_text) + std::string(late_kernel_text)); }

    // A file of the kernel's source, for what is asked of that.
    void add_source(const std::string& file, std::string_view text) {
        fs::create_directories(fs::path(path("source/" + file)).parent_path());
        write_file(path("source/" + file), text);
    }

    // The path of a module made from text; `edit` changes what the assembler cannot say.
    fs::path module(std::string_view name, std::string_view text, const std::function<void(elf::Object&)>& edit = {}) {
        const fs::path file = path(fmt::format("modules/{}.ko", name));
        assemble(std::string(text), file);
        if (edit) {
            elf::Object object = elf::Object::read(file);
            edit(object);
            object.write_to(file);
        }
        return file;
    }
    fs::path plain_module(std::string_view name, std::string_view code, std::string_view info = {}) {
        return module(name, std::string(code) + frame(name, info));
    }

    [[nodiscard]] const kernel::Kernel& kernel() {
        if (!kernel_) {
            kernel::Manifest manifest;
            manifest.name = manifest.release = release;
            manifest.arch = toolchain_.arch;
            manifest.vmlinux = manifest.image = path("vmlinux");
            manifest.modules = path("modules");
            manifest.config = path("config");
            manifest.symvers = path("Module.symvers");
            if (fs::exists(path("source"))) manifest.source = path("source");
            kernel_ = std::make_unique<kernel::Kernel>(manifest);
        }
        return *kernel_;
    }
    [[nodiscard]] std::uint64_t address(std::string_view symbol, std::size_t position = 0) {
        return kernel().symbols().symbols()[kernel().symbols().find(symbol).at(position)].address;
    }
    [[nodiscard]] std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

private:
    void assemble(std::string text, const std::string& object) {
        std::vector<std::string> argv = {"as"};
        argv.insert(argv.end(), toolchain_.assembler_options.begin(), toolchain_.assembler_options.end());
        argv.insert(argv.end(), {"-o", object, "-"});
        run(std::move(argv), std::move(text));
    }
    void run(std::vector<std::string> argv, std::string input = {}) {
        Command command;
        argv.front() = toolchain_.prefix + argv.front();
        command.argv = std::move(argv);
        command.input = std::move(input);
        run_checked(command, "making a test kernel");
    }

    Toolchain toolchain_;
    TempDir folder_;
    std::unique_ptr<kernel::Kernel> kernel_;
};

inline Event load(const fs::path& path) {
    return {EventKind::load, path.string()};
}
inline std::vector<std::string> log_of(const EventReport& report) {
    std::vector<std::string> lines;
    for (const LogLine& line : report.log) lines.push_back(line.text);
    return lines;
}
inline std::string text_of(const EventReport& report) {
    return fmt::format("{}", fmt::join(log_of(report), "\n"));
}
inline const LoadedSection& section_of(const LoadedModule& module, std::string_view name) {
    for (const LoadedSection& section : module.sections) {
        if (section.name == name) return section;
    }
    throw Error("no section " + std::string(name));
}
inline std::uint64_t word_at(const LoadedSection& section, std::uint64_t offset) {
    return load<std::uint64_t>(section.memory.subspan(offset), ByteOrder::little);
}
// Where a `call` at `offset` goes.
inline std::uint64_t call_target(const LoadedSection& section, std::uint64_t offset) {
    const auto distance =
        static_cast<std::int32_t>(load<std::uint32_t>(section.memory.subspan(offset + 1), ByteOrder::little));
    return section.address + offset + 5 + static_cast<std::uint64_t>(std::int64_t{distance});
}

}  // namespace klp::loader::test
