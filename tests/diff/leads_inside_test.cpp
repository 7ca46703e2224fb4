// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses inside of replaced functions, in what stays in the running kernel.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diff/pair.hpp"

namespace klp::diff {
namespace {

using test::compare_asm;
using test::compare_c;
using test::Compared;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

std::string traced(std::string_view name, std::string_view body) {
    return fmt::format(
        ".section .text.{0},\"ax\"\n.globl {0}\n.type {0},@function\n{0}:\n1: call __fentry__\n"
        ".pushsection __mcount_loc,\"a\"\n.quad 1b\n.popsection\n{1}\nret\n.size {0},.-{0}\n",
        name, body);
}

// `replaced` has the label `inside`, and `other`, which stays, has another body that leads there.
Compared led_there_by(std::string_view body_of_other, std::string_view more = "") {
    const auto object = [&](int value) {
        return traced("replaced", fmt::format("mov ${}, %eax\ninside: nop\n", value)) + traced("other", body_of_other) +
               std::string(more);
    };
    return compare_asm(object(1), object(2));
}

TEST(WaysInside, OfCodeThatStays) {
    for (const char* body : {"jmp inside", "jne inside", "call inside", "lea inside(%rip), %rax", "mov $inside, %rax",
                             "push $inside", "cmp $inside, %rdi"}) {
        const auto compared = led_there_by(body);
        ASSERT_THAT(compared.verdict(), ElementsAre("refused diff.leads-inside")) << body;
        EXPECT_THAT(compared.diagnostics.findings().front().message,
                    HasSubstr("'other' has an address inside of function 'replaced', which changed"))
            << body;
    }
    EXPECT_THAT(led_there_by("jmp replaced").verdict(), ElementsAre("changed replaced"));
    EXPECT_THAT(led_there_by("mov $replaced, %rax").verdict(), ElementsAre("changed replaced"));
}

TEST(WaysInside, OfEntriesOfCodeThatStays) {
    const auto entry = [](std::string_view section, std::string_view fields) {
        return fmt::format("2: .byte 0x0f,0x1f,0x44,0,0\n.pushsection {},\"aw\"\n.balign 8\n{}\n.popsection\n", section,
                           fields);
    };
    for (const auto& body : {entry("__ex_table", ".long 2b - ., inside - ., 0"),
                             entry("__jump_table", ".long 2b - ., inside - .\n.quad key - ."),
                             entry("__jump_table", ".quad 2b, inside, key")}) {
        const auto compared = led_there_by(body);
        ASSERT_THAT(compared.verdict(), ElementsAre("refused diff.leads-inside")) << body;
        EXPECT_THAT(compared.diagnostics.findings().front().message, HasSubstr("an entry of 'other' in __")) << body;
    }
}

TEST(WaysInside, OfTablesAndConstantsThatNobodyNames) {
    const auto table = [](std::string_view section, std::string_view word) {
        return fmt::format(".section {}\n.balign 8\n{}\n", section, word);
    };
    for (const char* section : {"places,\"a\"", "places,\"aw\"", ".rodata.places,\"a\"", ".rodata,\"a\"",
                                ".data.rel.ro.places,\"aw\"", ".init.data,\"aw\""}) {
        for (const char* word : {".quad inside", ".long inside - ., 0"}) {
            EXPECT_THAT(led_there_by("", table(section, word)).verdict(), ElementsAre("refused diff.leads-inside"))
                << section << word;
        }
        EXPECT_THAT(led_there_by("", table(section, ".quad replaced")).verdict(), ElementsAre("changed replaced"))
            << section;
        EXPECT_THAT(led_there_by("", table(section, ".quad other + 2")).verdict(), ElementsAre("changed replaced"))
            << section;
    }
    EXPECT_THAT(led_there_by("", table(".data,\"aw\"", ".quad inside")).verdict(),
                Contains("refused diff.leads-inside"));
}

// What nobody but the function uses comes along, though the compiler has put it beside the table of another one.
TEST(WaysInside, OfTablesOfSwitchesInOneSection) {
    const auto object = [](int value) {
        return traced("replaced", fmt::format("jmp *.Ltable(,%rdi,8)\nmov ${}, %eax\ninside: nop\n", value)) +
               traced("other", "jmp *.Ltable+16(,%rdi,8)\nhere: nop\n") +
               ".section .rodata,\"a\"\n.Ltable:\n.quad inside, inside + 1, here, here + 1\n";
    };
    EXPECT_THAT(compare_asm(object(1), object(2)).verdict(), ElementsAre("changed replaced"));
}

// The one that leads there is replaced as well.
TEST(WaysInside, OfCodeThatIsReplacedToo) {
    const auto object = [](int value) {
        return traced("replaced", fmt::format("mov ${}, %eax\ninside: nop\n", value)) +
               traced("other", fmt::format("mov ${}, %eax\njmp inside\n", value));
    };
    const auto compared = compare_asm(object(1), object(2));
    ASSERT_THAT(compared.verdict(), ElementsAre("changed other", "changed replaced"));
    const elf::Object& extracted = compared.result.value().extracted;
    const elf::Section& code = *extracted.find_symbol("replaced")->section;
    const elf::Section& other = *extracted.find_symbol("other")->section;
    EXPECT_THAT(other.rela(),
                Contains(testing::Field(&elf::Relocation::symbol, testing::Field(&elf::Symbol::section, &code))));
}

}  // namespace
}  // namespace klp::diff
