// SPDX-License-Identifier: GPL-2.0-or-later
// Which record of ftrace a patched function gets, where it has its record behind endbr64 and bodies of overridden weak
// functions follow, which have a record and no symbol.
#include <gmock/gmock.h>

#include "livepatch_text.hpp"

namespace klp::loader {
namespace {

using namespace test;
using kernel::Hook;

constexpr std::string_view endbr64 = ".byte 0xf3, 0x0f, 0x1e, 0xfa\n";

// `name` at a multiple of 64, and as many bodies without a symbol behind it.
std::string function_with_dead_bodies(const std::string& name, int count, const std::string& call = "call __fentry__") {
    std::string text =
        fmt::format(".p2align 6\n.type {0}, @function\n{0}: {1}.Lsite_{0}: {2}\nret\n", name, endbr64, call);
    for (int i = 0; i < count; ++i)
        text += fmt::format(".p2align 4\n{0}.Ldead_{1}_{2}: {3}\nret\n", endbr64, name, i, call);
    return text + fmt::format(".p2align 6\n{0}_end: ret\n", name);
}

std::string entries_of(const std::string& name, int count) {
    std::string text = fmt::format(", .Lsite_{}", name);
    for (int i = 0; i < count; ++i) text += fmt::format(", .Ldead_{}_{}", name, i);
    return text;
}

// `alone` has one record, `shadowed` and `lucky` share the range of their symbol with another. With the seven of the
// kernel of the other tests the table has 12 records: for `shadowed` the search meets 6, 9 and 8, the dead body; for
// `lucky` 6 and 9, its own.
std::string kernel_with_dead_bodies() {
    std::string text(kernel_text);
    const std::string code = function_with_dead_bodies("alone", 0) + function_with_dead_bodies("shadowed", 1) +
                             function_with_dead_bodies("lucky", 1);
    text = replaced(text, ".section .text.second", code + ".section .text.second");
    return replaced(text, "twin, twin2",
                    "twin" + entries_of("alone", 0) + entries_of("shadowed", 1) + entries_of("lucky", 1) + ", twin2");
}

class Hooks : public testing::Test {
protected:
    EventReport load_patch(const std::vector<Replacement>& replacements) {
        return simulation.play(load(kernel.module("p", livepatch_text("p", replacements))));
    }
    const PatchedFunction& function(std::size_t object = 0) {
        return simulation.module("p")->patch->objects.at(object).functions.at(0);
    }

    TestKernel kernel{kernel_with_dead_bodies()};
    Simulation simulation{kernel.kernel(), {}};
};

TEST_F(Hooks, ARecordBehindTheLandingPadIsFound) {
    EXPECT_EQ(load_patch({{"", "alone"}}).not_replaced.size(), 0U);
    ASSERT_TRUE(function().hook.has_value());
    EXPECT_EQ(function().hook->where, Hook::Where::own);
    EXPECT_EQ(function().hook->address, kernel.address("alone") + 4);
}

TEST_F(Hooks, ARecordAtTheStartIsFound) {
    load_patch({{"", "show"}});
    EXPECT_EQ(function().hook->where, Hook::Where::own);
    EXPECT_EQ(function().hook->address, kernel.address("show"));
}

TEST_F(Hooks, TheRecordOfADeadBodyMayBeMetFirst) {
    const EventReport report = load_patch({{"", "shadowed"}});
    EXPECT_EQ(report.error, 0);  // the kernel does not notice
    EXPECT_TRUE(simulation.module("p")->patch->objects[0].patched);
    EXPECT_EQ(function().hook->where, Hook::Where::elsewhere);
    EXPECT_EQ(function().hook->address, kernel.address("shadowed") + 0x14);
    ASSERT_EQ(report.not_replaced.size(), 1U);
    EXPECT_EQ(report.not_replaced[0].function, "shadowed");
    EXPECT_EQ(report.not_replaced[0].address, kernel.address("shadowed"));
}

TEST_F(Hooks, TheOwnOneMayBeMetFirst) {
    EXPECT_EQ(load_patch({{"", "lucky"}}).not_replaced.size(), 0U);
    EXPECT_EQ(function().hook->where, Hook::Where::own);
    EXPECT_EQ(function().hook->address, kernel.address("lucky") + 4);
}

TEST_F(Hooks, WithoutAnyRecordTheKernelRefuses) {
    EXPECT_EQ(load_patch({{"", "notrace_function"}}).error, EINVAL);
}

TEST_F(Hooks, ASecondLivepatchSharesTheHook) {
    load_patch({{"", "shadowed"}});
    const EventReport second = simulation.play(load(kernel.module("q", livepatch_text("q", {{"", "shadowed"}}))));
    EXPECT_EQ(second.not_replaced.size(), 1U);
    EXPECT_EQ(simulation.module("q")->patch->objects[0].functions[0].hook->where, Hook::Where::elsewhere);
}

TEST_F(Hooks, OfAModuleAreItsOwnRecords) {
    const std::string nop = ".byte 0x0f, 0x1f, 0x44, 0, 0";
    const std::string code = ".text\n" + function_with_dead_bodies("shadowed", 1, nop) +
                             function_with_dead_bodies("alone", 0, nop) + ".section __mcount_loc, \"a\"\n.quad 0" +
                             entries_of("shadowed", 1) + entries_of("alone", 0) + "\n";
    simulation.play(load(kernel.plain_module("target", code)));
    const EventReport report = load_patch({{"target", "alone"}});
    EXPECT_EQ(report.error, 0);
    EXPECT_EQ(function().hook->where, Hook::Where::own);
    const EventReport second = simulation.play(load(kernel.module("q", livepatch_text("q", {{"target", "shadowed"}}))));
    EXPECT_EQ(second.error, 0);
    ASSERT_EQ(second.not_replaced.size(), 1U);
    EXPECT_EQ(second.not_replaced[0].hook.address, second.not_replaced[0].address + 0x14);
}

}  // namespace
}  // namespace klp::loader
