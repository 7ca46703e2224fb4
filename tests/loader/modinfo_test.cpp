// SPDX-License-Identifier: GPL-2.0-or-later
// What .modinfo, versions and exports decide.
#include <gmock/gmock.h>

#include "test_kernel.hpp"

namespace klp::loader {
namespace {

using namespace test;
using testing::IsEmpty;

std::string with_options(std::string_view more) {
    return std::string(config) + std::string(more);
}
TEST(Vermagic, IsCompared) {
    TestKernel kernel;
    Simulation simulation(kernel.kernel(), {});
    const auto path = kernel.module("m", replaced(".text\nnop\n" + frame("m"), "SMP", "UP"));
    const EventReport report = simulation.play(load(path));
    EXPECT_EQ(report.error, ENOEXEC);
    EXPECT_EQ(text_of(report), "m: version magic '6.1.0-test UP mod_unload ' should be '6.1.0-test SMP mod_unload '");
}

TEST(Vermagic, IsNotMissed) {
    const std::string text = replaced(".text\nnop\n" + frame("m"), "vermagic=", "magic=");
    TestKernel kernel;
    EXPECT_EQ(Simulation(kernel.kernel(), {}).play(load(kernel.module("m", text))).error, ENOEXEC);
    TestKernel forced(kernel_text, with_options("CONFIG_MODULE_FORCE_LOAD=y\n"));
    const EventReport report = Simulation(forced.kernel(), {}).play(load(forced.module("m", text)));
    EXPECT_EQ(report.error, 0);
    EXPECT_EQ(text_of(report), "m: bad vermagic: kernel tainted.");
}

TEST(Taints, AreToldOnce) {
    for (const bool late : {false, true}) {
        TestKernel kernel = late ? TestKernel::late() : TestKernel();
        Simulation simulation(kernel.kernel(), {});
        std::string text = replaced(".text\nnop\n" + frame("m", "staging=Y"), "intree=Y", "test=Y");
        text = replaced(text, "license=GPL", "license=Own");
        EXPECT_EQ(text_of(simulation.play(load(kernel.module("m", text)))),
                  "m: loading out-of-tree module taints kernel.\n"
                  "m: module is from the staging directory, the quality is unknown, you have been warned.\n"
                  "m: module license 'Own' taints kernel.\n"
                  "m: loading test module taints kernel." +
                      std::string(late ? "\nm: module license taints kernel." : ""));
        EXPECT_EQ(text_of(simulation.play(load(
                      kernel.module("n", replaced(replaced(text, "name=m", "name=n"), "ascii \"m\"", "ascii \"n\""))))),
                  "n: module is from the staging directory, the quality is unknown, you have been warned.");
    }
}

TEST(Retpolines, AreMissed) {
    TestKernel kernel(kernel_text, with_options("CONFIG_RETPOLINE=y\n"));
    Simulation simulation(kernel.kernel(), {});
    EXPECT_EQ(text_of(simulation.play(load(kernel.plain_module("m", ".text\nnop\n")))),
              "Spectre V2 : System may be vulnerable to spectre v2\n"
              "m: loading module not compiled with retpoline compiler.");
    EXPECT_EQ(text_of(simulation.play(load(kernel.plain_module("n", ".text\nnop\n", "retpoline=Y")))), "");
}

TEST(Livepatch, NeedsAKernelThatHasThem) {
    TestKernel kernel(kernel_text, replaced(std::string(config), "CONFIG_LIVEPATCH=y\n", ""));
    const EventReport report =
        Simulation(kernel.kernel(), {}).play(load(kernel.plain_module("m", ".text\nnop\n", "livepatch=Y")));
    EXPECT_EQ(report.error, ENOEXEC);
    EXPECT_EQ(text_of(report), "m: module is marked as livepatch module, but livepatch support is disabled");
}

TEST(GplSymbols, AreNotForOthers) {
    TestKernel kernel;
    Simulation simulation(kernel.kernel(), {});
    const std::string text = ".text\ncall gpl_only\n" + frame("m");
    EXPECT_EQ(simulation.play(load(kernel.module("m", text))).error, 0);
    EXPECT_EQ(simulation.play({EventKind::unload, "m"}).error, 0);
    const EventReport report = simulation.play(load(kernel.module("m", replaced(text, "license=GPL", "license=Own"))));
    EXPECT_EQ(report.error, ENOENT);
    EXPECT_EQ(text_of(report), "m: module license 'Own' taints kernel.\nm: Unknown symbol gpl_only (err -2)");
}

TEST(Namespaces, AreImported) {
    const std::string code = ".text\ncall spaced\n";
    TestKernel kernel;
    EXPECT_EQ(Simulation(kernel.kernel(), {}).play(load(kernel.plain_module("m", code, "import_ns=SPACE"))).error, 0);
    TestKernel lax(kernel_text, with_options("CONFIG_MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS=y\n"));
    const EventReport report = Simulation(lax.kernel(), {}).play(load(lax.plain_module("m", code)));
    EXPECT_EQ(report.error, 0);
    EXPECT_EQ(text_of(report), "m: module uses symbol (spaced) from namespace SPACE, but does not import it.");
}

TEST(Namespaces, CanBeForCertainModules) {
    const std::string text = std::string(kernel_text) + std::string(late_kernel_text);
    TestKernel kernel(text, config, replaced(std::string(symvers), "SPACE", "module:abc,x-*"));
    Simulation simulation(kernel.kernel(), {});
    const std::string code = ".text\ncall spaced\n";
    EXPECT_EQ(simulation.play(load(kernel.plain_module("abc", code))).error, 0);
    EXPECT_EQ(simulation.play(load(kernel.plain_module("x_y", code))).error, 0);
    EXPECT_EQ(simulation.play(load(kernel.plain_module("abcd", code))).error, EINVAL);
    const EventReport report = simulation.play(load(kernel.plain_module("z", ".text\nnop\n", "import_ns=module:z")));
    EXPECT_EQ(report.error, EPERM);
    EXPECT_EQ(text_of(report), "z: module tries to import module namespace: module:z");
}

// CRC and name, as modpost writes them.
std::string versions(const std::vector<std::pair<std::string, std::uint32_t>>& entries) {
    std::string text = ".section __versions,\"a\"\n";
    for (const auto& [name, crc] : entries)
        text += fmt::format(".quad {}\n.ascii \"{}\"\n.zero {}\n", crc, name, 56 - name.size());
    return text;
}

TEST(Versions, AreCompared) {
    TestKernel kernel(kernel_text, with_options("CONFIG_MODVERSIONS=y\n"));
    const auto played = [&](const std::string& code) {
        return Simulation(kernel.kernel(), {}).play(load(kernel.plain_module("m", ".text\ncall printk\n" + code)));
    };
    EXPECT_EQ(played(versions({{"module_layout", 0x55555555}, {"printk", 0x22222222}})).error, 0);
    const EventReport other = played(versions({{"module_layout", 0x55555555}, {"printk", 0x22222223}}));
    EXPECT_EQ(other.error, EINVAL);
    EXPECT_EQ(text_of(other), "m: disagrees about version of symbol printk\nm: Unknown symbol printk (err -22)");
    const EventReport none = played(versions({{"module_layout", 0x55555555}}));
    EXPECT_EQ(none.error, EINVAL);
    EXPECT_EQ(text_of(none), "m: no symbol version for printk\nm: Unknown symbol printk (err -22)");
    const EventReport layout = played(versions({{"module_layout", 1}, {"printk", 0x22222222}}));
    EXPECT_EQ(layout.error, ENOEXEC);
    EXPECT_EQ(text_of(layout), "m: disagrees about version of symbol module_layout");
    EXPECT_EQ(played("").error, ENOEXEC);
}

TEST(Versions, CanHaveLongNames) {
    TestKernel kernel(std::string(kernel_text) + std::string(late_kernel_text), with_options("CONFIG_MODVERSIONS=y\n"));
    const auto played = [&](std::string_view crc, std::string_view name) {
        return Simulation(kernel.kernel(), {})
            .play(load(kernel.plain_module(
                "m", fmt::format(".text\ncall printk\n.section __version_ext_crcs,\"a\"\n.long 0x55555555, {}\n"
                                 ".section __version_ext_names,\"a\"\n.string \"module_layout\"\n.string \"{}\"\n",
                                 crc, name))));
    };
    EXPECT_EQ(text_of(played("0x22222222", "printk")), "");
    EXPECT_EQ(text_of(played("0x22222223", "printk")),
              "m: disagrees about version of symbol printk\nm: Unknown symbol printk (err -22)");
    const EventReport report = played("0x22222222", "print");
    EXPECT_EQ(report.error, 0);
    EXPECT_EQ(text_of(report), "m: no extended symbol version for printk");
}

// An export as EXPORT_SYMBOL makes it, with 32-bit distances.
std::string exporting(std::string_view symbol, std::string_view section = "__ksymtab", std::string_view more = {}) {
    return fmt::format(R"(
    .section __ksymtab_strings,"a"
    .Lname: .string "{0}"
    .section {1},"a"
    .p2align 2
    __ksymtab_{0}: .long {0} - .
    .long .Lname - .
    .long 0
    .text
    .p2align 4
    .type {0}, @function
    .globl {0}
    {0}: ret
    {2}
)",
                       symbol, section, more);
}

TEST(Exports, OfModulesAreUsedAndCounted) {
    TestKernel kernel;
    Simulation simulation(kernel.kernel(), {});
    const auto user = kernel.plain_module("user", ".text\ncall helper\n");
    EXPECT_EQ(simulation.play(load(user)).error, ENOENT);
    EXPECT_EQ(simulation.play(load(kernel.plain_module("owner", exporting("helper")))).error, 0);
    EXPECT_EQ(simulation.play(load(user)).error, 0);
    EXPECT_EQ(call_target(section_of(*simulation.module("user"), ".text"), 0),
              section_of(*simulation.module("owner"), ".text").address);
    EXPECT_EQ(simulation.play({EventKind::unload, "owner"}).error, EWOULDBLOCK);
    EXPECT_EQ(simulation.play({EventKind::unload, "user"}).error, 0);
    EXPECT_EQ(simulation.play({EventKind::unload, "owner"}).error, 0);
}

TEST(Exports, AreUnique) {
    TestKernel kernel;
    Simulation simulation(kernel.kernel(), {});
    const EventReport report = simulation.play(load(kernel.plain_module("m", exporting("printk"))));
    EXPECT_EQ(report.error, ENOEXEC);
    EXPECT_EQ(text_of(report), "m: exports duplicate symbol printk (owned by kernel)");
    EXPECT_EQ(simulation.play(load(kernel.plain_module("a", exporting("helper")))).error, 0);
    EXPECT_EQ(text_of(simulation.play(load(kernel.plain_module("b", exporting("helper"))))),
              "b: exports duplicate symbol helper (owned by a)");
}

TEST(Exports, OfProprietaryModulesTaint) {
    TestKernel kernel;
    Simulation simulation(kernel.kernel(), {});
    const std::string owner = replaced(exporting("helper") + frame("owner"), "license=GPL", "license=Own");
    EXPECT_EQ(simulation.play(load(kernel.module("owner", owner))).error, 0);
    EXPECT_EQ(text_of(simulation.play(load(kernel.plain_module("user", ".text\ncall helper\n")))),
              "user: module uses symbols helper from proprietary module owner, inheriting taint.");
    const EventReport report = simulation.play(load(kernel.plain_module("gpl", ".text\ncall gpl_only\ncall helper\n")));
    EXPECT_EQ(report.error, ENOENT);
    EXPECT_EQ(text_of(report),
              "gpl: module using GPL-only symbols uses symbols helper from proprietary module owner.\n"
              "gpl: Unknown symbol helper (err -2)");
}

TEST(Exports, AreGplOnlyByTableOrByFlag) {
    const std::string user = replaced(".text\ncall helper\n" + frame("user"), "license=GPL", "license=Own");
    TestKernel kernel;
    Simulation simulation(kernel.kernel(), {});
    EXPECT_EQ(simulation.play(load(kernel.plain_module("owner", exporting("helper", "__ksymtab_gpl")))).error, 0);
    EXPECT_EQ(simulation.play(load(kernel.module("user", user))).error, ENOENT);
    for (const std::string_view flag : {"0", "1"}) {
        TestKernel late = TestKernel::late();
        Simulation other(late.kernel(), {});
        const std::string flags = fmt::format(".section __kflagstab,\"a\"\n.byte {}\n", flag);
        EXPECT_EQ(other.play(load(late.plain_module("owner", exporting("helper", "__ksymtab", flags)))).error, 0);
        EXPECT_EQ(other.play(load(late.module("user", user))).error, flag == "1" ? ENOENT : 0);
    }
    TestKernel late = TestKernel::late();
    const EventReport report = Simulation(late.kernel(), {}).play(load(late.plain_module("m", exporting("helper"))));
    EXPECT_EQ(report.error, ENOEXEC);
    EXPECT_EQ(text_of(report), "m: no flags for exported symbols");
}

TEST(Exports, WantVersions) {
    TestKernel kernel(kernel_text, with_options("CONFIG_MODVERSIONS=y\nCONFIG_MODULE_FORCE_LOAD=y\n"));
    const std::string code = exporting("helper") + versions({{"module_layout", 0x55555555}});
    const EventReport report = Simulation(kernel.kernel(), {}).play(load(kernel.plain_module("m", code)));
    EXPECT_EQ(text_of(report), "m: no versions for exported symbols: kernel tainted.");
    EXPECT_EQ(report.error, 0);
}

TEST(PerCpuVariables, ComeFromAChunkOfTheirOwn) {
    constexpr std::string_view code =
        ".section .data..percpu,\"aw\"\n.p2align 6\n.zero 64\nvariable: .quad 0\n"
        ".data\n.quad variable\n";
    TestKernel kernel;
    Options options;
    options.addresses["m:.data..percpu"] = 0x20000;
    Simulation simulation(kernel.kernel(), options);
    EXPECT_EQ(simulation.play(load(kernel.plain_module("m", code))).error, 0);
    EXPECT_EQ(word_at(section_of(*simulation.module("m"), ".data"), 0), 0x20040U);
    EXPECT_THAT(simulation.module("m")->rewrites, IsEmpty());
    EXPECT_EQ(simulation.play(load(kernel.plain_module("n", code))).error, 0);
    ASSERT_EQ(simulation.module("n")->rewrites.size(), 1U);
    EXPECT_EQ(simulation.module("n")->rewrites[0].mechanism, "per-cpu-address");
    EXPECT_FALSE(simulation.module("n")->rewrites[0].exact);
}

TEST(PerCpuVariables, HaveLimits) {
    TestKernel kernel;
    Simulation simulation(kernel.kernel(), {});
    const auto big = simulation.play(load(kernel.plain_module("m", ".section .data..percpu,\"aw\"\n.zero 9000\n")));
    EXPECT_EQ(big.error, ENOMEM);
    EXPECT_EQ(text_of(big), "m: Could not allocate 9000 bytes percpu data");
    const auto aligned =
        simulation.play(load(kernel.plain_module("n", ".section .data..percpu,\"aw\"\n.p2align 13\n.zero 8\n")));
    EXPECT_EQ(aligned.error, 0);
    EXPECT_EQ(text_of(aligned), "n: per-cpu alignment 8192 > 4096");
    // Such a one is aligned to a page: the chunk of 8192 bytes has room for it behind another module's.
    const auto behind =
        simulation.play(load(kernel.plain_module("o", ".section .data..percpu,\"aw\"\n.p2align 13\n.zero 8\n")));
    EXPECT_EQ(behind.error, 0);
}

TEST(Unloading, IsRefusedWhereTheKernelDoes) {
    TestKernel kernel;
    Simulation simulation(kernel.kernel(), {});
    EXPECT_EQ(simulation.play({EventKind::unload, "m"}).error, ENOENT);
    const std::string code = ".text\n.globl init_module\ninit_module: ret\n";
    EXPECT_EQ(simulation.play(load(kernel.plain_module("m", code))).error, 0);
    EXPECT_EQ(simulation.play({EventKind::unload, "m"}).error, EBUSY);
    TestKernel fixed(kernel_text, replaced(std::string(config), "CONFIG_MODULE_UNLOAD=y\n", ""));
    Simulation other(fixed.kernel(), {});
    EXPECT_EQ(other.play(load(fixed.plain_module("m", ".section .exit.text,\"ax\"\nret\n"))).error, 0);
    EXPECT_EQ(section_of(*other.module("m"), ".exit.text").area, Area::init_text);
    EXPECT_EQ(other.play({EventKind::unload, "m"}).error, ENOSYS);
}

}  // namespace
}  // namespace klp::loader
