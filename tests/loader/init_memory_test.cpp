// SPDX-License-Identifier: GPL-2.0-or-later
// Functions in memory that is freed when the init function has returned, and init functions that enable nothing.
#include <gmock/gmock.h>

#include "livepatch_text.hpp"

namespace klp::loader {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;

// Two functions that ftrace knows: one in memory that is freed.
constexpr std::string_view passing_module = R"(
    .section __mcount_loc, "a"
    .quad early_work, later_work
    .section .init.text, "ax"
    .type early_work, @function
    early_work: call __fentry__
    ret
    .text
    .type later_work, @function
    later_work: call __fentry__
    ret
)";

class InitMemory : public testing::Test {
protected:
    InitMemory()
        : kernel(kernel_text, config, std::string(symvers) + "0x66666666\t__fentry__\tvmlinux\tEXPORT_SYMBOL\t\n"),
          simulation(kernel.kernel(), {}) {}

    EventReport load_patch(const std::string& text) { return simulation.play(load(kernel.module("p", text))); }
    EventReport load_passing() { return simulation.play(load(kernel.plain_module("passing", passing_module))); }
    static std::string with_new_function_in_init(std::string_view object, std::string_view function) {
        return replaced(livepatch_text("p", {{std::string(object), std::string(function)}}), ".section .text,",
                        ".section .init.text,");
    }

    TestKernel kernel;
    Simulation simulation;
};

TEST_F(InitMemory, WithAReplacementIsFreedUnderIt) {
    const EventReport report = load_patch(with_new_function_in_init("", "show"));
    ASSERT_TRUE(report.undefined_behaviour.has_value());
    EXPECT_THAT(*report.undefined_behaviour,
                HasSubstr("the replacement of 'show' is in init memory, which is freed while the function is patched "
                          "(kernel/module/main.c:do_init_module)"));
}

TEST_F(InitMemory, WithAReplacementIsGoneWhenTheObjectComes) {
    ASSERT_TRUE(load_patch(with_new_function_in_init("passing", "later_work")).ok());
    const EventReport report = load_passing();
    EXPECT_EQ(report.error, ENOENT);
    EXPECT_THAT(text_of(report), HasSubstr("kallsyms size lookup failed for 'later_work' replacement"));
}

TEST_F(InitMemory, WithAPatchedFunctionTakesItsRecordAlong) {
    ASSERT_TRUE(load_patch(livepatch_text("p", {{"passing", "early_work"}})).ok());
    ASSERT_TRUE(load_passing().ok());
    const EventReport report = simulation.play({EventKind::disable, "p"});
    ASSERT_TRUE(report.undefined_behaviour.has_value());
    EXPECT_THAT(*report.undefined_behaviour, HasSubstr("'early_work' was in init memory"));
    EXPECT_THAT(*report.undefined_behaviour, HasSubstr("WARN in kernel/livepatch/patch.c:klp_unpatch_func"));
}

TEST_F(InitMemory, KeepsWhatIsNotInIt) {
    ASSERT_TRUE(load_patch(livepatch_text("p", {{"passing", "later_work"}})).ok());
    ASSERT_TRUE(load_passing().ok());
    EXPECT_TRUE(simulation.play({EventKind::disable, "p"}).ok());
}

TEST_F(InitMemory, IsNotLookedAtWhereTheModuleWasThereBefore) {
    ASSERT_TRUE(load_passing().ok());
    const EventReport report = load_patch(livepatch_text("p", {{"passing", "early_work"}}));
    EXPECT_EQ(report.error, EINVAL);
    EXPECT_THAT(text_of(report), HasSubstr("symbol 'early_work' not found in symbol table"));
}

TEST_F(InitMemory, OfAModuleThatEnablesNothing) {
    const EventReport report =
        load_patch(replaced(livepatch_text("p", {{"", "show"}}), "jmp klp_enable_patch", "jmp printk"));
    EXPECT_TRUE(report.ok());
    EXPECT_THAT(log_of(report), ElementsAre("p: tainting kernel with TAINT_LIVEPATCH"));
    EXPECT_FALSE(simulation.module("p")->patch.has_value());
    EXPECT_EQ(simulation.play({EventKind::disable, "p"}).error, ENOENT);
    EXPECT_TRUE(simulation.play({EventKind::unload, "p"}).ok());
}

}  // namespace
}  // namespace klp::loader
