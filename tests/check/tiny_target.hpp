// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel that tests/support/sound_livepatch.hpp fits: "vmlinux" with a function to patch and one to refer to, and the
// module "late" with a name that is there twice.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/process.hpp"
#include "kernel/kernel.hpp"

namespace klp::check::tiny_kernel {

// A function that ftrace can hook.
inline constexpr std::string_view macros = R"(
    .macro traced name
    .type \name, @function
    \name: call __fentry__
    .pushsection __mcount_loc, "a"
    .quad \name
    .popsection
    ret
    .size \name, . - \name
    .endm
    # With the body of an overridden weak function behind it, whose record the kernel meets first.
    .macro shadowed name
    .p2align 4
    .type \name, @function
    \name: .byte 0xf3, 0x0f, 0x1e, 0xfa
    1: call __fentry__
    ret
    .size \name, . - \name
    2: call __fentry__
    3: call __fentry__
    .pushsection __mcount_loc, "a"
    .quad 1b, 2b, 3b
    .popsection
    .endm
    .macro plain name
    .type \name, @function
    \name: ret
    .size \name, . - \name
    .endm
)";

inline constexpr std::string_view vmlinux_unit = R"(
    .text
    .globl _start
    _start: ret
    .type __fentry__, @function
    __fentry__: ret
    traced show
    .set presented, show
    shadowed overlooked
    plain helper
    plain assembly
    plain twice
    plain clear_relocate_add
    .section .init.text, "ax"
    plain start_kernel
    .data
    .type jiffies, @object
    jiffies: .quad 0
    .size jiffies, 8
    .section .rodata, "a"
    .byte 0
    .asciz "1.0-tiny SMP mod_unload "
    .globl klp_enable_patch, helper_export, clear_relocate_add
    klp_enable_patch: helper_export: .byte 0
)";
inline constexpr std::string_view second_unit = ".text\nplain twice\n";

// `mixed` is in an init section first, so that its number changes when that is gone.
inline constexpr std::string_view late_units[] = {
    ".text\nplain helper\n.section .init.text,\"ax\"\nplain mixed\nplain early\n",
    ".text\ntraced show\nplain helper\nplain mixed\nplain assembly\n"};

class TinyTarget {
public:
    explicit TinyTarget(std::string config = {}, std::string symvers = {}, std::string_view unit = vmlinux_unit)
        : has_versions_(config.find("MODVERSIONS=y") != std::string::npos) {
        fs::create_directories(folder_.path() / "modules");
        use_own_cache();
        std::vector<std::string> link = {"ld", "-o",         path("vmlinux"), "-e", "0", "-Ttext=0xffffffff81000000",
                                         "-z", "noexecstack"};
        for (const std::string_view each : {unit, second_unit}) link.push_back(assembled(each));
        // The linker makes these of the section's name, as the kernel's script does.
        link.insert(link.end(), {"--defsym=__start_mcount_loc=ADDR(__mcount_loc)",
                                 "--defsym=__stop_mcount_loc=ADDR(__mcount_loc)+SIZEOF(__mcount_loc)"});
        run_tool(std::move(link));
        write_file(path("config"), "CONFIG_LIVEPATCH=y\nCONFIG_KALLSYMS_ALL=y\nCONFIG_MODULE_UNLOAD=y\n" + config);
        write_file(path("Module.symvers"),
                   "0x00000001\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t\n"
                   "0x00000002\tklp_enable_patch\tvmlinux\tEXPORT_SYMBOL_GPL\t\n"
                   "0x00000003\t__fentry__\tvmlinux\tEXPORT_SYMBOL\t\n" +
                       symvers);
        add_module("late", {late_units[0], late_units[1]}, "");
    }

    void add_module(const std::string& name, const std::vector<std::string_view>& units, std::string_view depends) {
        std::vector<std::string> link = {"ld", "-r", "-o", module_path(name)};
        for (const std::string_view unit : units) link.push_back(assembled(unit));
        link.push_back(assembled(".section .modinfo,\"a\"\n.string \"license=GPL\"\n.string \"name=" + name +
                                 "\"\n.string \"depends=" + std::string(depends) +
                                 "\"\n.string \"vermagic=1.0-tiny SMP mod_unload \"\n"
                                 ".section .gnu.linkonce.this_module,\"aw\"\n.globl __this_module\n"
                                 "__this_module: .zero 24\n.asciz \"" +
                                 name + "\"\n.p2align 6\n.zero 64\n"));
        if (has_versions_)
            link.push_back(
                assembled(".section __versions,\"a\"\n.quad 1\n.string \"module_layout\"\n.zero 42\n"
                          ".quad 3\n.string \"__fentry__\"\n.zero 45\n"));
        run_tool(std::move(link));
    }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] std::string module_path(const std::string& name) const { return path("modules/" + name + ".ko"); }

    [[nodiscard]] kernel::Kernel kernel(std::string_view arch = "x86_64") const {
        kernel::Manifest manifest;
        manifest.name = name_;
        manifest.release = "1.0-tiny";
        manifest.arch = arch;
        manifest.vmlinux = manifest.image = path("vmlinux");
        manifest.modules = path("modules");
        manifest.config = path("config");
        manifest.symvers = path("Module.symvers");
        return kernel::Kernel(manifest);
    }

private:
    // What is probed of a kernel is kept by its name, and not in the cache of whoever runs the test.
    static void use_own_cache() {
        static const TempDir cache("klp-test");
        ::setenv("KLPKIT_CACHE", cache.path().c_str(), 1);
    }
    static std::string next_name() {
        static int number = 0;
        return "tiny" + std::to_string(number++);
    }

    [[nodiscard]] std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

    static void run_tool(std::vector<std::string> argv) {
        Command command;
        command.argv = std::move(argv);
        run_checked(command, "making a test kernel");
    }

    std::string assembled(std::string_view unit) {
        const std::string object = path("unit" + std::to_string(units_++) + ".o");
        Command command;
        command.argv = {"as", "--64", "-mrelax-relocations=no", "-o", object, "-"};
        command.input = std::string(macros) + std::string(unit);
        run_checked(command, "assembling a test kernel");
        return object;
    }

    std::string name_ = next_name();
    bool has_versions_ = false;
    TempDir folder_;
    int units_ = 0;
};

}  // namespace klp::check::tiny_kernel
