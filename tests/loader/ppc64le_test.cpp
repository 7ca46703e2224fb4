// SPDX-License-Identifier: GPL-2.0-or-later
// What the model of ppc64le has that the one of x86_64 does not show: sections that a module needs, no init memory for
// sections, and stores that are not made by text patching.
#include <gmock/gmock.h>

#include "livepatch_text.hpp"

namespace klp::loader {
namespace {

using namespace test;
using testing::HasSubstr;

constexpr std::string_view ppc64le_kernel_text = R"(
    .abiversion 2
    .text
    .globl _stext, klp_apply_section_relocs, klp_enable_patch, module_layout, _end
    _stext: nop
    klp_apply_section_relocs: blr
    klp_enable_patch: blr
    module_layout: blr
    .data
    _end:
)";
// .toc and .stubs, as arch/powerpc/include/asm/module.h has them.
constexpr std::string_view ppc64le_sections = R"(
    .section .toc, "aw"
    .quad 0
    .section .stubs, "ax", @nobits
    .p2align 3
)";

TestKernel ppc64le_kernel() {
    // No stubs for ftrace, which would take the addresses of its callers.
    std::string options = replaced(std::string(config), "CONFIG_HAVE_ARCH_PREL32_RELOCATIONS=y\n", "");
    options = replaced(options, "CONFIG_DYNAMIC_FTRACE=y\n", "");
    return TestKernel(ppc64le_kernel_text, options, "0x1\tklp_enable_patch\tvmlinux\tEXPORT_SYMBOL_GPL\t\n",
                      {"ppc64le", "powerpc64le-linux-gnu-", {"-mlittle", "-mpower8"}});
}

TEST(Ppc64le, KeepsInitSections) {
    TestKernel kernel = ppc64le_kernel();
    Simulation simulation(kernel.kernel(), {});
    const std::string code = ".abiversion 2\n.text\nblr\n.section .init.text,\"ax\"\nblr\n";
    const EventReport report = simulation.play(load(kernel.plain_module("m", code + std::string(ppc64le_sections))));
    ASSERT_TRUE(report.ok()) << report.undefined_behaviour.value_or(fmt::format("{}", fmt::join(log_of(report), "\n")));
    EXPECT_EQ(section_of(*simulation.module("m"), ".init.text").area, Area::text);
    EXPECT_FALSE(section_of(*simulation.module("m"), ".init.text").freed);
    EXPECT_EQ(section_of(*simulation.module("m"), ".text").address, 0xc0003d0000000000);
}

TEST(Ppc64le, NeedsStubs) {
    TestKernel kernel = ppc64le_kernel();
    const EventReport report = Simulation(kernel.kernel(), {}).play(load(kernel.plain_module("m", ".text\nblr\n")));
    EXPECT_EQ(report.error, ENOEXEC);
    EXPECT_THAT(log_of(report), testing::ElementsAre(HasSubstr("m: doesn't contain .stubs.")));
}

TEST(Ppc64le, FaultsOnReadOnlyMemory) {
    TestKernel kernel = ppc64le_kernel();
    Simulation simulation(kernel.kernel(), {});
    std::string text = livepatch_text("p", {{"late", "work"}});
    text = replaced(text, "init_module: jmp klp_enable_patch", "init_module: bl klp_enable_patch\nnop\nblr");
    text = replaced(text, ".nops 16\nret\n", "nop\nnop\nnop\nnop\nblr\n");
    text = replaced(text, "cleanup_module: ret", "cleanup_module: blr");
    text += std::string(ppc64le_sections) + ".section .rodata.late,\"a\"\n.quad 0\n";
    const auto path = kernel.module("p", text, [](elf::Object& object) {
        elf::Symbol& symbol = object.add_symbol(
            {.name = ".klp.sym.late.hidden,0", .placement = elf::Placement::livepatch, .binding = STB_GLOBAL});
        elf::Section& rela = object.add_rela_section(".klp.rela.late..rodata.late", SHF_ALLOC | elf::shf_rela_livepatch,
                                                     *object.find_section(".rodata.late"));
        rela.relocations.push_back({0, R_PPC64_ADDR64, &symbol, 0});
    });
    const EventReport first = simulation.play(load(path));
    ASSERT_TRUE(first.ok()) << first.undefined_behaviour.value_or(fmt::format("{}", fmt::join(log_of(first), "\n")));
    const EventReport report = simulation.play(
        load(kernel.plain_module("late", ".text\nhidden: blr\nwork: blr\n" + std::string(ppc64le_sections))));
    ASSERT_TRUE(report.undefined_behaviour.has_value());
    EXPECT_THAT(*report.undefined_behaviour, HasSubstr("p: a plain store to read-only memory: .rodata.late+0x0"));
}

}  // namespace
}  // namespace klp::loader
