// SPDX-License-Identifier: GPL-2.0-or-later
// Ordinary modules: layout, symbols, relocation.
#include <gmock/gmock.h>

#include "test_kernel.hpp"

namespace klp::loader {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t base = 0xffffffffc0000000;

constexpr std::string_view sample = R"(
    .text
    .globl init_module, cleanup_module
    work: call printk
    ret
    cleanup_module: ret
    .section .init.text, "ax"
    init_module: call work
    ret
    .section .rodata, "a"
    .p2align 3
    pointers: .quad work, weak_one
    .weak weak_one
    .section .data..ro_after_init, "aw"
    .quad 5
    .data
    .quad pointers
    .bss
    .zero 32
)";

TEST(Module, IsLaidOutInCoreAndInit) {
    TestKernel kernel;
    Simulation simulation(kernel.kernel(), {});
    const EventReport report = simulation.play(load(kernel.plain_module("m", sample)));
    EXPECT_EQ(report.error, 0);
    EXPECT_EQ(report.module, "m");
    EXPECT_THAT(log_of(report), IsEmpty());
    const LoadedModule& module = *simulation.module("m");
    EXPECT_TRUE(module.live);
    EXPECT_EQ(section_of(module, ".text").address, base);
    EXPECT_EQ(section_of(module, ".rodata").address, base + 0x1000);
    EXPECT_EQ(section_of(module, ".data..ro_after_init").address, base + 0x2000);
    EXPECT_EQ(section_of(module, ".data").address, base + 0x3000);
    EXPECT_EQ(section_of(module, ".bss").area, Area::data);
    // Behind the data a page for the symbols that stay, and a guard page.
    EXPECT_EQ(section_of(module, ".init.text").address, base + 0x6000);
    EXPECT_TRUE(section_of(module, ".init.text").freed);
    EXPECT_TRUE(section_of(module, ".symtab").freed);
    EXPECT_FALSE(section_of(module, ".text").freed);
    EXPECT_THAT(module.live_data, testing::Contains(".data"));
}

TEST(Module, OfLaterKernelsHasAnAreaForEach) {
    TestKernel kernel = TestKernel::late();
    Simulation simulation(kernel.kernel(), {});
    EXPECT_EQ(simulation.play(load(kernel.plain_module("m", sample))).error, 0);
    const LoadedModule& module = *simulation.module("m");
    EXPECT_EQ(section_of(module, ".text").address, base);
    EXPECT_EQ(section_of(module, ".data").address, base + 0x2000);
    EXPECT_EQ(section_of(module, ".rodata").address, base + 0x4000);
    EXPECT_EQ(section_of(module, ".data..ro_after_init").address, base + 0x6000);
    EXPECT_EQ(section_of(module, ".init.text").address, base + 0x8000);
    EXPECT_EQ(section_of(module, ".symtab").address, base + 0xa000);
}

TEST(Relocations, WriteTheAddressesOfSymbols) {
    TestKernel kernel;
    Simulation simulation(kernel.kernel(), {});
    const EventReport report = simulation.play(load(kernel.plain_module("m", sample)));
    const LoadedModule& module = *simulation.module("m");
    EXPECT_EQ(call_target(section_of(module, ".text"), 0), kernel.address("printk"));
    EXPECT_EQ(call_target(section_of(module, ".init.text"), 0), base);
    EXPECT_EQ(word_at(section_of(module, ".rodata"), 0), base);
    EXPECT_EQ(word_at(section_of(module, ".rodata"), 8), 0U);
    EXPECT_EQ(word_at(section_of(module, ".data"), 0), base + 0x1000);
    ASSERT_EQ(report.steps.size(), 4U);
    EXPECT_EQ(report.steps[0].section, ".rela.text");
    EXPECT_EQ(report.steps[0].target, ".text");
    EXPECT_EQ(report.steps[0].object, "");
    ASSERT_EQ(report.steps[0].writes.size(), 1U);
    EXPECT_EQ(report.steps[0].writes[0].offset, 1U);
}

TEST(Module, GoesWhereTheUserSays) {
    TestKernel kernel;
    Options options;
    options.addresses["m:.rodata"] = 0xffffffffc0801000;
    Simulation simulation(kernel.kernel(), options);
    EXPECT_EQ(simulation.play(load(kernel.plain_module("m", sample))).error, 0);
    const LoadedModule& module = *simulation.module("m");
    EXPECT_EQ(section_of(module, ".text").address, 0xffffffffc0800000);
    EXPECT_EQ(section_of(module, ".init.text").address, base);
}

TEST(Addresses, ThatContradictTheLayoutAreAnError) {
    TestKernel kernel;
    Options options;
    options.addresses = {{"m:.rodata", 0xffffffffc0801000}, {"m:.text", 0xffffffffc0700000}};
    Simulation simulation(kernel.kernel(), options);
    try {
        static_cast<void>(simulation.play(load(kernel.plain_module("m", sample))));
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr(".rodata at 0xffffffffc0801000 puts .text at 0xffffffffc0800000, not "
                                            "0xffffffffc0700000"));
    }
    EXPECT_THAT(simulation.modules(), IsEmpty());
    options.addresses = {{"m:.nowhere", base}};
    EXPECT_THROW(static_cast<void>(Simulation(kernel.kernel(), options).play(load(kernel.path("modules/m.ko")))),
                 Error);
}

TEST(Module, TakesTheLowestHoleThatFits) {
    TestKernel kernel;
    Simulation simulation(kernel.kernel(), {});
    for (const std::string_view name : {"a", "b", "c"}) {
        const std::string text = name == "b" ? ".text\n.zero 0x9000\n" : ".text\nnop\n";
        EXPECT_EQ(simulation.play(load(kernel.plain_module(name, text))).error, 0);
    }
    const std::uint64_t b = section_of(*simulation.module("b"), ".text").address;
    EXPECT_GT(section_of(*simulation.module("c"), ".text").address, b);
    EXPECT_EQ(simulation.play({EventKind::unload, "b"}).error, 0);
    EXPECT_EQ(simulation.play(load(kernel.plain_module("d", ".text\nnop\n"))).error, 0);
    EXPECT_EQ(section_of(*simulation.module("d"), ".text").address, b);
}

TEST(Module, IsFoundByNameOrFile) {
    TestKernel kernel;
    kernel.plain_module("one", sample);
    const fs::path other = kernel.plain_module("two", sample);
    Options options;
    options.objects["three"] = other;
    Simulation simulation(kernel.kernel(), options);
    EXPECT_EQ(simulation.play({EventKind::load, "one"}).module, "one");
    EXPECT_EQ(simulation.play({EventKind::load, "three"}).module, "two");
    EXPECT_THROW(static_cast<void>(simulation.play({EventKind::load, "four"})), Error);
    EXPECT_THROW(static_cast<void>(simulation.play({EventKind::load, "./none.ko"})), Error);
    write_file(kernel.path("text.ko"), std::string_view("text\n"));
    EXPECT_THROW(static_cast<void>(simulation.play(load(kernel.path("text.ko")))), Error);
    EXPECT_EQ(simulation.modules().size(), 2U);
    EXPECT_EQ(simulation.play({EventKind::load, "one"}).error, EEXIST);
}

struct BadModule {
    const char* what;
    std::string_view code;
    int error;
    std::string_view message;
};
class Refusal : public testing::TestWithParam<BadModule> {};

TEST_P(Refusal, IsTheKernels) {
    for (TestKernel* kernel : {new TestKernel, new TestKernel(TestKernel::late())}) {
        const std::unique_ptr<TestKernel> owned(kernel);
        Simulation simulation(kernel->kernel(), {});
        const EventReport report = simulation.play(load(kernel->plain_module("m", GetParam().code)));
        EXPECT_EQ(report.error, GetParam().error);
        EXPECT_EQ(fmt::format("{}", fmt::join(log_of(report), "\n")), GetParam().message);
        EXPECT_THAT(simulation.modules(), IsEmpty());
    }
}

INSTANTIATE_TEST_SUITE_P(
    Loader, Refusal,
    testing::Values(BadModule{"unknown", ".text\ncall nobody\n", ENOENT, "m: Unknown symbol nobody (err -2)"},
                    BadModule{"common", ".comm shared,8\n", ENOEXEC, "m: please compile with -fno-common"},
                    BadModule{"rwx", ".section .both,\"awx\"\nnop\n", ENOEXEC,
                              "m: section .both (index 4) has invalid WRITE|EXEC flags"},
                    BadModule{"space", ".text\ncall spaced\n", EINVAL,
                              "m: module uses symbol (spaced) from namespace SPACE, but does not import it.\n"
                              "m: Unknown symbol spaced (err -22)"}));

}  // namespace
}  // namespace klp::loader
