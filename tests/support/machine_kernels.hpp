// SPDX-License-Identifier: GPL-2.0-or-later
// For each machine that has livepatches: a kernel of a few symbols, its module "late", and a livepatch of both. All are
// made by the machine's assembler, where that is installed.
#pragma once

#include <elf.h>
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/kernel.hpp"
#include "support/sound_livepatch.hpp"

namespace klp::test {

struct Machine {
    std::uint16_t number;            // e_machine
    std::string_view arch;           // arch::Arch::name()
    std::string_view prefix;         // of the names of its binutils
    std::string_view options;        // of its assembler
    std::string_view result;         // the instruction that returns
    std::string_view call;           // a call of {}
    std::string_view entry;          // where ftrace hooks a function…
    std::string_view sites;          // …and the table that lists it
    std::string_view sections = {};  // that the loader wants to find in a module
};

inline constexpr std::array machines{
    Machine{EM_X86_64, "x86_64", "", "-mrelax-relocations=no", "ret", "call {}", ".byte 0x0f, 0x1f, 0x44, 0, 0",
            "__mcount_loc"},
    Machine{EM_PPC64, "ppc64le", "powerpc64le-linux-gnu-", "-mpower8", "blr", "bl {}\nnop", "nop", "__mcount_loc",
            ".section .toc,\"aw\"\n.quad 0\n.section .stubs,\"ax\",@nobits\n.p2align 3\n"},
    Machine{EM_S390, "s390x", "s390x-linux-gnu-", "-m64", "br %r14", "brasl %r14,{}@PLT", "brcl 0, .", "__mcount_loc"},
    Machine{EM_AARCH64, "arm64", "aarch64-linux-gnu-", "-EL", "ret", "bl {}", "nop\nnop",
            "__patchable_function_entries",
            ".section .plt,\"ax\"\n.byte 0\n.section .init.plt,\"ax\"\n.byte 0\n"
            ".section .text.ftrace_trampoline,\"ax\"\n.byte 0\n"},
};

// x86_64 for those that have no livepatches.
inline const Machine& machine_with(std::uint16_t number) {
    for (const Machine& machine : machines) {
        if (machine.number == number) return machine;
    }
    return machines.front();
}

inline bool has_assembler(const Machine& machine) {
    return find_program(fmt::format("{}as", machine.prefix)).has_value();
}

inline elf::Object assemble_for(const Machine& machine, std::string_view text) {
    std::string whole = machine.number == EM_PPC64 ? ".abiversion 2\n" : "";
    return assemble_with({fmt::format("{}as", machine.prefix), std::string(machine.options)}, whole.append(text));
}

inline std::string function(const Machine& machine, std::string_view name, std::string_view body = {}) {
    return fmt::format(".p2align 4\n.globl {0}\n.type {0}, @function\n{0}:\n{1}\n{2}\n.size {0}, . - {0}\n", name, body,
                       machine.result);
}

// What kbuild adds to each module.
inline std::string module_frame_for(const Machine& machine, std::string_view name) {
    return fmt::format(
        ".section .modinfo,\"a\"\n.string \"license=GPL\"\n.string \"name={0}\"\n"
        ".string \"vermagic=1.0-tiny SMP mod_unload \"\n"
        ".section .gnu.linkonce.this_module,\"aw\"\n.p2align 6\n.globl __this_module\n.type __this_module, @object\n"
        "__this_module: .zero 24\n.asciz \"{0}\"\n.p2align 6\n.zero 64\n.size __this_module, . - __this_module\n{1}",
        name, machine.sections);
}

// Patches show of vmlinux with a call of its helper, and that of "late" likewise.
inline elf::Object livepatch_for(const Machine& machine) {
    const std::string tables(sound_text.substr(sound_text.find(".section .rodata.str1.1")));
    const auto calling = [&](std::string_view name) { return fmt::format(fmt::runtime(machine.call), name); };
    const std::string code = fmt::format(
        ".section .init.text,\"ax\"\n{}.section .exit.text,\"ax\"\n{}.section .text.new_show,\"ax\"\n{}"
        ".section .text.late_show,\"ax\"\n{}",
        function(machine, "init_module", calling("klp_enable_patch")), function(machine, "cleanup_module"),
        function(machine, "new_show", calling("from_vmlinux")), function(machine, "late_show", calling("from_late")));
    elf::Object object = assemble_for(machine, code + tables + module_frame_for(machine, "livepatch_tiny") +
                                                   ".section .modinfo\n.string \"livepatch=Y\"\n");
    make_livepatch_relocations(object, ".text.new_show", "from_vmlinux", ".klp.rela.vmlinux..text.new_show",
                               add_livepatch_symbol(object, ".klp.sym.vmlinux.helper,0"));
    make_livepatch_relocations(object, ".text.late_show", "from_late", ".klp.rela.late..text.late_show",
                               add_livepatch_symbol(object, ".klp.sym.late.helper,1"));
    return elf::Object::read(object.write(), "test.ko");
}

inline elf::Object late_module_for(const Machine& machine) {
    return assemble_for(machine, ".text\n" + function(machine, "show", machine.entry) + function(machine, "helper") +
                                     fmt::format(".section {},\"aw\"\n.quad show\n", machine.sites) +
                                     module_frame_for(machine, "late"));
}

class MachineKernel {
public:
    // Error: the machine has no assembler here.
    explicit MachineKernel(const Machine& machine) {
        ::setenv("KLPKIT_CACHE", path("cache").c_str(), 1);  // NOLINT: tests have one thread
        const std::string text = fmt::format(
            ".text\n.globl _stext, _end, __start_mcount_loc, __stop_mcount_loc, klp_apply_section_relocs\n_stext:\n"
            "klp_apply_section_relocs:\n{}{}{}{}"
            ".data\n__start_mcount_loc: .quad show\n__stop_mcount_loc:\n_end:\n"
            ".section .rodata,\"a\"\n.byte 0\n.asciz \"1.0-tiny SMP mod_unload \"\n"
            ".asciz \"invalid access to vmlinux symbol '%s' from module-specific livepatch relocation section\"\n",
            function(machine, "klp_enable_patch"), function(machine, "module_layout"),
            function(machine, "show", machine.entry), function(machine, "helper"));
        assemble_for(machine, text).write_to(path("vmlinux.o"));
        Command link;
        link.argv = {fmt::format("{}ld", machine.prefix),
                     "-o",
                     path("vmlinux"),
                     "-e",
                     "0",
                     "-Ttext=0xffffffff81000000",
                     "-z",
                     "noexecstack",
                     path("vmlinux.o")};
        run_checked(link, "linking a test kernel");
        write_file(path("config"),
                   "CONFIG_LIVEPATCH=y\nCONFIG_KALLSYMS_ALL=y\nCONFIG_MODULE_UNLOAD=y\nCONFIG_SMP=y\n"
                   "CONFIG_STRICT_MODULE_RWX=y\nCONFIG_JUMP_LABEL=y\nCONFIG_HAVE_STATIC_CALL_INLINE=y\n"
                   "CONFIG_ARM64_4K_PAGES=y\nCONFIG_PPC_64K_PAGES=y\n");
        write_file(path("Module.symvers"), "0x1\tklp_enable_patch\tvmlinux\tEXPORT_SYMBOL_GPL\t\n");
        fs::create_directories(path("modules"));
        late_module_for(machine).write_to(late_module());

        kernel::Manifest manifest;
        manifest.name = manifest.release = "1.0-tiny";
        manifest.arch = machine.arch;
        manifest.vmlinux = manifest.image = path("vmlinux");
        manifest.modules = path("modules");
        manifest.config = path("config");
        manifest.symvers = path("Module.symvers");
        kernel_ = std::make_unique<kernel::Kernel>(manifest);
    }

    [[nodiscard]] const kernel::Kernel& kernel() const { return *kernel_; }
    [[nodiscard]] fs::path late_module() const { return path("modules/late.ko"); }

private:
    [[nodiscard]] std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

    TempDir folder_;
    std::unique_ptr<kernel::Kernel> kernel_;
};

}  // namespace klp::test
