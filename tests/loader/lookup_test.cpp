// SPDX-License-Identifier: GPL-2.0-or-later
// Which symbol an address of a module belongs to, in kernels that keep the memories of a module apart.
#include <gmock/gmock.h>

#include "livepatch_text.hpp"

namespace klp::loader {
namespace {

using namespace test;

constexpr std::string_view late_kallsyms = "bestval = (unsigned long)mod_mem->base - 1;\n";

// The new function has no symbol; one with a small value lies before all memory.
EventReport load_without_symbol(TestKernel& kernel) {
    const std::string text = replaced(livepatch_text("p", {{"", "show"}}), ".Lold_0, new_0,", ".Lold_0, .Lnew_0,");
    return Simulation(kernel.kernel(), {})
        .play(load(kernel.module("p", ".set small, 1\n" + replaced(text, ".type new_0, @function\nnew_0:",
                                                                   ".type new_0, @function\n.Lnew_0: nop\nnew_0:"))));
}

TEST(Lookup, OfAnAddressBeforeTheFirstSymbolOfItsMemory) {
    TestKernel later = TestKernel::late();
    later.add_source("kernel/module/kallsyms.c", late_kallsyms);
    const EventReport report = load_without_symbol(later);
    EXPECT_THAT(log_of(report), testing::Contains("livepatch: kallsyms size lookup failed for 'show' replacement"));
    EXPECT_EQ(report.error, ENOENT);
    TestKernel earlier = TestKernel::late();
    earlier.add_source("kernel/module/kallsyms.c", "bestval = kallsyms_symbol_value(&kallsyms->symtab[best]);\n");
    EXPECT_TRUE(load_without_symbol(earlier).ok());
    TestKernel of_one_area;
    of_one_area.add_source("kernel/module/kallsyms.c", late_kallsyms);
    EXPECT_TRUE(load_without_symbol(of_one_area).ok());
}

// A variable is asked for its size before ftrace is asked for its place.
TEST(Lookup, IsOfCodeAloneWithoutAllSymbols) {
    const std::string some(replaced(std::string(config), "CONFIG_KALLSYMS_ALL=y\n", ""));
    const std::string late_text = std::string(kernel_text) + std::string(late_kernel_text);
    const auto error_of = [](TestKernel&& kernel) {
        Simulation simulation(kernel.kernel(), {});
        EXPECT_TRUE(simulation.play(load(kernel.module("p", livepatch_text("p", {{"m", "variable"}})))).ok());
        return simulation.play(load(kernel.plain_module("m", ".data\nvariable: .quad 1\n.text\nnop\n"))).error;
    };
    EXPECT_EQ(error_of(TestKernel(late_text, some)), ENOENT);
    EXPECT_EQ(error_of(TestKernel::late()), EINVAL);
    EXPECT_EQ(error_of(TestKernel(kernel_text, some)), EINVAL);
}

// find_module_sections()
TEST(ObsoleteSections, AreToldOf) {
    const std::string_view text =
        ".section __obsparm,\"a\"\n.quad 1\n.section __ksymtab_gpl,\"a\"\n"
        ".section __kcrctab_gpl,\"a\"\n.section .text\nnop\n";
    TestKernel earlier, later = TestKernel::late();
    const auto messages = [&](TestKernel& kernel) {
        return log_of(Simulation(kernel.kernel(), {}).play(load(kernel.plain_module("m", text))));
    };
    EXPECT_THAT(messages(earlier), testing::ElementsAre("m: Ignoring obsolete parameters"));
    EXPECT_THAT(messages(later),
                testing::ElementsAre("m: ignoring obsolete section __ksymtab_gpl",
                                     "m: ignoring obsolete section __kcrctab_gpl", "m: Ignoring obsolete parameters"));
}

}  // namespace
}  // namespace klp::loader
