// SPDX-License-Identifier: GPL-2.0-or-later
// What no livepatch can do, said with its own id.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diff/pair.hpp"

namespace klp::diff {
namespace {

using test::compare_asm;
using test::compare_c;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Refused, ChangedInitAndExitCode) {
    const auto source = [](const char* section, const char* value) {
        return std::string("int use(int); __attribute__((section(\"") + section +
               "\"))) int start(void) { return use(" + value + "); } int f(int x) { return x; }";
    };
    EXPECT_THAT(compare_c(source(".init.text", "1"), source(".init.text", "2")).verdict(),
                ElementsAre("refused diff.init-code"));
    EXPECT_THAT(compare_c(source(".exit.text", "1"), source(".exit.text", "2")).verdict(),
                ElementsAre("refused diff.exit-code"));
}

TEST(Refused, NotWhereAFunctionLosesItsInit) {
    const auto source = [](const char* section, const char* value) {
        return std::string("int use(int); __attribute__((noinline, section(\"") + section +
               "\"))) static int helper(int x) { return use(x) + use(x + 1); }\n"
               "__attribute__((section(\".init.text\"))) int start(void) { return helper(1); } int f(int x) { return " +
               value + "; }";
    };
    // start() refers to another function now; that is a change of init code
    EXPECT_THAT(compare_c(source(".init.text", "x"), source(".text.helper", "helper(x)")).verdict(),
                ElementsAre("refused diff.init-code"));
}

TEST(Refused, InitDataThatRunningCodeNeeds) {
    EXPECT_THAT(
        compare_c("int f(int x) { return x; }",
                  "static __attribute__((section(\".init.data\"))) int early = 1; int f(int x) { return early += x; }")
            .verdict(),
        Contains("refused diff.init-data"));
    EXPECT_THAT(compare_c("__attribute__((section(\".init.data\"))) int early = 1; int f(int x) { return x; }",
                          "__attribute__((section(\".init.data\"))) int early = 1; int f(int x) { return early += x; }")
                    .verdict(),
                ElementsAre("refused diff.init-reference"));
}

TEST(Refused, WhatFtraceCannotHook) {
    const auto source = [](const char* value) {
        return std::string("__attribute__((no_instrument_function)) int f(int x) { return x + ") + value +
               "; } int g(int x) { return x; }";
    };
    const auto compared = compare_c(source("1"), source("2"));
    EXPECT_THAT(compared.verdict(), ElementsAre("refused diff.not-traceable"));
    EXPECT_THAT(compared.diagnostics.findings()[0].message, HasSubstr("'f'"));
    // also where nothing in the object can be hooked, unless the caller looks after that itself
    constexpr auto before = ".section .text.f,\"ax\"\n.globl f\n.type f,@function\nf: nop\n.size f,.-f\n";
    constexpr auto after = ".section .text.f,\"ax\"\n.globl f\n.type f,@function\nf: int3\n.size f,.-f\n";
    EXPECT_THAT(compare_asm(before, after).verdict(), ElementsAre("refused diff.not-traceable"));
    const auto accepted = compare_asm(before, after, {.untraced_objects = true});
    EXPECT_THAT(accepted.verdict(), ElementsAre("changed f"));
    EXPECT_EQ(accepted.diagnostics.findings().at(0).id, "diff.untraced");
}

TEST(Refused, TablesThatTheKernelHasRead) {
    const auto entry = [](const char* section, const char* name, const char* value = "data") {
        return std::string("int f(int x) { return x; } extern int data, other; __attribute__((used, section(\"") +
               section + "\"))) static int *const " + name + " = &" + value + ";";
    };
    constexpr auto none = "int f(int x) { return x; }";
    EXPECT_THAT(compare_c(none, entry("___ksymtab_gpl+f", "__ksymtab_f")).verdict(),
                ElementsAre("refused diff.export"));
    EXPECT_THAT(compare_c(none, entry("__param", "__param_size")).verdict(), ElementsAre("refused diff.table"));
    EXPECT_THAT(compare_c(entry("__param", "__param_size"), entry("__param", "__param_size", "other")).verdict(),
                ElementsAre("refused diff.table"));
    EXPECT_THAT(compare_c(none, entry(".initcall6.init", "__initcall__kmod_x__1_2_f6")).verdict(),
                ElementsAre("refused diff.init-data"));
    const auto removed = compare_c(entry("__param", "__param_size"), none);
    EXPECT_THAT(removed.verdict(), IsEmpty());
    ASSERT_EQ(removed.diagnostics.findings().size(), 1);
    EXPECT_EQ(removed.diagnostics.findings()[0].id, "diff.entry-stays");
}

// __COUNTER__ and __LINE__ are part of these names.
TEST(Refused, NotForCountersInNames) {
    const auto entry = [](const char* section, const char* name, const char* value = "data") {
        return std::string("int f(int x) { return x; } extern int data, other; __attribute__((used, section(\"") +
               section + "\"))) static int *const " + name + " = &" + value + ";";
    };
    EXPECT_THAT(compare_c(entry(".initcall6.init", "__initcall__kmod_x__10_20_f6"),
                          entry(".initcall6.init", "__initcall__kmod_x__11_25_f6"))
                    .verdict(),
                IsEmpty());
    EXPECT_THAT(
        compare_c(entry(".modinfo", "__UNIQUE_ID_author10"), entry(".modinfo", "__UNIQUE_ID_author12")).verdict(),
        IsEmpty());
}

TEST(Refused, CodeThatSharesOneText) {
    constexpr auto before = ".globl f\n.type f,@function\nf: nop\n.size f,.-f\n";
    constexpr auto after = ".globl f\n.type f,@function\nf: int3\n.size f,.-f\n";
    EXPECT_THAT(compare_asm(before, after).verdict(), Contains("refused diff.no-function-sections"));
}

TEST(Refused, LinkTimeOptimisation) {
    constexpr auto source = ".section .gnu.lto_.decls,\"e\"\n.byte 1\n";
    EXPECT_THAT(compare_asm(source, source).verdict(), Contains("refused diff.lto"));
}

TEST(Refused, NothingForWhatIsNotInMemory) {
    constexpr auto before =
        ".section .debug_info,\"\"\n.byte 1\n.section .discard.x,\"a\"\n.byte 1\n.section "
        ".comment,\"MS\",@progbits,1\n.string \"1\"\n";
    constexpr auto after =
        ".section .debug_info,\"\"\n.byte 2\n.section .discard.x,\"a\"\n.byte 2\n.section "
        ".comment,\"MS\",@progbits,1\n.string \"2\"\n";
    EXPECT_THAT(compare_asm(before, after).verdict(), IsEmpty());
}

}  // namespace
}  // namespace klp::diff
