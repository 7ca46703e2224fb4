// SPDX-License-Identifier: GPL-2.0-or-later
// What other architectures than x86-64 ask of diff(). Verdicts of functions that ftrace cannot hook are refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pair.hpp"

namespace klp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class OtherArchitectures : public testing::Test {
protected:
    void SetUp() override {
        for (const auto& [name, assembler] :
             {std::pair{"arm64", "aarch64-linux-gnu-as"}, std::pair{"ppc64le", "powerpc64le-linux-gnu-as"},
              std::pair{"s390x", "s390x-linux-gnu-as"}}) {
            if (!find_program(assembler)) GTEST_SKIP() << "no " << assembler;
        }
    }
    static test::Compared compare(const std::string& assembler, const std::string& before, const std::string& after) {
        return {test::assemble_with({assembler}, before), test::assemble_with({assembler}, after)};
    }
};

std::string arm64_function(const std::string& body) {
    return ".section .text.f,\"ax\"\n.type f,@function\nf: nop\n nop\n" + body +
           " ret\n.size f,.-f\n.section __patchable_function_entries,\"aw\"\n.quad f\n";
}

TEST_F(OtherArchitectures, ARegisterBesideARelocatedFieldCounts) {
    const auto verdict = [](const std::string& before, const std::string& after) {
        return compare("aarch64-linux-gnu-as", arm64_function(before), arm64_function(after)).verdict();
    };
    EXPECT_THAT(verdict("adrp x0,foo\n", "adrp x0,foo\n"), IsEmpty());
    EXPECT_THAT(verdict("adrp x0,foo\n", "adrp x1,foo\n"), ElementsAre("changed f"));
    EXPECT_THAT(verdict("adrp x0,foo\n", "adrp x0,bar\n"), ElementsAre("changed f"));
}

// The entry of the replaced code in f counts from its own start: taken from the field it would be in the next function.
std::string ppc64_functions(const std::string& mask) {
    return R"(
        .section .text.f,"ax"
        .type f,@function
        f:  mflr 0
        2:  bl _mcount
        1:  nop
            blr
            .size f,.-f
        .section __mcount_loc,"a"
            .8byte 2b
        .section __ftr_alt_97,"a"
        3:  ori 3,3,1
        4:
        .section __ftr_fixup,"a"
        5:  .8byte )" +
           mask + R"(, 0, 1b - 5b, 1b + 4 - 5b, 3b - 5b, 4b - 5b
    )";
}

TEST_F(OtherArchitectures, FeatureFixupsBelongToTheirCode) {
    const auto verdict = [](const std::string& before, const std::string& after) {
        return compare("powerpc64le-linux-gnu-as", ppc64_functions(before), ppc64_functions(after)).verdict();
    };
    EXPECT_THAT(verdict("1", "1"), IsEmpty());
    EXPECT_THAT(verdict("1", "2"), ElementsAre("changed f"));
}

// struct alt_instr of s390 has 11 bytes.
TEST_F(OtherArchitectures, EntriesMayHaveAnOddSize) {
    const std::string text = R"(
        .section .text.f,"ax"
        .type f,@function
        f:  jgnop .
        1:  j 2f
        2:  br %r14
            .size f,.-f
        .section .altinstr_replacement,"ax"
        3:  nopr
            nopr
        .section .altinstructions,"a"
            .long 1b - ., 3b - .
            .short 1
            .byte 4
            .long 2b - ., 3b - .
            .short 1
            .byte 2
    )";
    EXPECT_THAT(compare("s390x-linux-gnu-as", text, text).verdict(), IsEmpty());
}

}  // namespace
}  // namespace klp
