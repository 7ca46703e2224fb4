// SPDX-License-Identifier: GPL-2.0-or-later
// What other architectures than x86-64 ask of diff(). Verdicts of functions that ftrace cannot hook are refusals.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

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

// Functions with room for a pointer before them, two of them in a section that they share.
std::string arm64_functions_with_room(const std::string& first, const std::string& second) {
    const auto function = [](const std::string& name, const std::string& body) {
        return ".p2align 3\n0: nop\n nop\n.type " + name + ",@function\n" + name + ": bti c\n nop\n nop\n" + body +
               " ret\n.size " + name + ",.-" + name +
               "\n.section __patchable_function_entries,\"aw\"\n.p2align 3\n.quad 0b\n";
    };
    return ".section .sched.text,\"ax\"\n" + function("f", first) + ".section .sched.text,\"ax\"\n" +
           function("g", second);
}

// Bytes of the code before a function, and what the only entry of the table is: a symbol and an addend.
std::string room_and_entry(const test::Compared& compared, std::string_view name) {
    const elf::Object& object = compared.result.value().extracted;
    const elf::Symbol* function = object.find_symbol(name);
    const elf::Section* table = object.find_section("__patchable_function_entries");
    if (function == nullptr || table == nullptr || table->rela().size() != 1) return "missing";
    const elf::Relocation& entry = table->rela().front();
    std::string text = fmt::format("{}{:+} at {}:", entry.symbol->name, entry.addend, function->value);
    for (std::uint64_t at = 0; at < function->value; at += 4)
        text +=
            fmt::format(" {:08x}", load<std::uint32_t>(function->section->content().subspan(at), ByteOrder::little));
    return text;
}

TEST_F(OtherArchitectures, RoomBeforeAFunctionComesAlong) {
    const auto compared = [](const std::string& first, const std::string& second) {
        return compare("aarch64-linux-gnu-as", arm64_functions_with_room("mov x0,1\n", "mov x0,1\n"),
                       arm64_functions_with_room(first, second));
    };
    EXPECT_THAT(compared("mov x0,1\n", "mov x0,1\n").verdict(), IsEmpty());
    const test::Compared first = compared("mov x0,2\n", "mov x0,1\n");
    EXPECT_THAT(first.verdict(), ElementsAre("changed f"));
    EXPECT_EQ(room_and_entry(first, "f"), "f-8 at 8: d503201f d503201f");
    const test::Compared second = compared("mov x0,1\n", "mov x0,2\n");
    EXPECT_THAT(second.verdict(), ElementsAre("changed g"));
    EXPECT_EQ(room_and_entry(second, "g"), "g-8 at 8: d503201f d503201f");
}

// The kernel would write its pointer there.
TEST_F(OtherArchitectures, WhatIsNotEmptyBeforeAFunctionIsNoRoom) {
    const auto text = [](const std::string& value) {
        return ".section .text.f,\"ax\"\n0: .quad 1\n.type f,@function\nf: nop\n nop\n mov x0," + value +
               "\n ret\n.size f,.-f\n.section __patchable_function_entries,\"aw\"\n.quad 0b\n";
    };
    EXPECT_THAT(compare("aarch64-linux-gnu-as", text("1"), text("2")).verdict(),
                ElementsAre("refused diff.special-orphan"));
}

std::string ppc64_tail_call(const std::string& value, const std::string& branch) {
    return R"(
        .abiversion 2
        .section .text.g,"ax"
        .type g,@function
        g:  blr
            .size g,.-g
        .section .text.f,"ax"
        .type f,@function
        f:  mflr 0
        2:  bl _mcount
            li 3,)" +
           value + "\n" + branch + R"(
            blr
            .size f,.-f
        .section __mcount_loc,"a"
            .8byte 2b
    )";
}

// r2 is lost where the function stays in the kernel; inside of the livepatch it is the same.
TEST_F(OtherArchitectures, ATailCallOfWhatStaysIsRefused) {
    const auto verdict = [](const std::string& branch, const std::string& after_branch = "") {
        return compare("powerpc64le-linux-gnu-as", ppc64_tail_call("1", branch),
                       ppc64_tail_call("2", after_branch.empty() ? branch : after_branch))
            .verdict();
    };
    EXPECT_THAT(verdict("b g"), ElementsAre("refused diff.tail-call"));
    EXPECT_THAT(verdict("b elsewhere"), ElementsAre("refused diff.tail-call"));
    EXPECT_THAT(verdict("b _restgpr0_29"), ElementsAre("changed f"));
    EXPECT_THAT(verdict("bl g\n nop"), ElementsAre("changed f"));
    EXPECT_THAT(verdict("b f"), ElementsAre("changed f"));
}

// The kernel refuses a livepatch that calls what is elsewhere and leaves no room to restore r2.
TEST_F(OtherArchitectures, ACallWithoutANopOfWhatStaysIsRefused) {
    const auto verdict = [](const std::string& call) {
        return compare("powerpc64le-linux-gnu-as", ppc64_tail_call("1", call), ppc64_tail_call("2", call)).verdict();
    };
    EXPECT_THAT(verdict("bl g"), ElementsAre("refused diff.local-call"));
    EXPECT_THAT(verdict("bl g\n li 3,1\n nop"), ElementsAre("refused diff.local-call"));
    EXPECT_THAT(verdict("bl elsewhere"), ElementsAre("refused diff.local-call"));
    EXPECT_THAT(verdict("bl f"), ElementsAre("changed f"));
    EXPECT_THAT(verdict("bl _savegpr0_29"), ElementsAre("changed f"));
}

// Callers of the same object come in at the local entry, before the ftrace site.
TEST_F(OtherArchitectures, TheLocalEntryIsNotInsideOfAFunction) {
    const auto verdict = [](const std::string& branch) {
        const auto object = [&](const std::string& value) {
            return ppc64_tail_call("1", branch + "\n nop") +
                   ".section .text.h,\"ax\"\n.type h,@function\nh: addis 2,12,.TOC.-h@ha\n addi 2,2,.TOC.-h@l\n"
                   ".localentry h,.-h\n mflr 0\n2: bl _mcount\n li 3," +
                   value + "\n blr\n.size h,.-h\n.section __mcount_loc,\"a\"\n.8byte 2b\n";
        };
        return compare("powerpc64le-linux-gnu-as", object("1"), object("2")).verdict();
    };
    EXPECT_THAT(verdict("bl h"), ElementsAre("changed h"));
    EXPECT_THAT(verdict("b h"), ElementsAre("changed h"));
    EXPECT_THAT(verdict("bl h+4"), ElementsAre("refused diff.leads-inside"));
}

// f loads the entry of .toc that is named, and h the first one.
std::string ppc64_toc(const std::string& value, const std::vector<std::string>& entries, const std::string& label) {
    std::string text = ppc64_tail_call(value, "addis 9,2," + label + "@toc@ha\n ld 9," + label +
                                                  "@toc@l(9)\n mtctr 9\n bctr\n inside: nop") +
                       ".section .text.h,\"ax\"\n.type h,@function\nh: addis 9,2,.LC0@toc@ha\n ld 9,.LC0@toc@l(9)\n"
                       "blr\n.size h,.-h\n.section .toc,\"aw\"\n.balign 8\n";
    for (std::size_t i = 0; i < entries.size(); ++i) text += fmt::format(".LC{}: .8byte {}\n", i, entries[i]);
    return text;
}

TEST_F(OtherArchitectures, EntriesOfTheTocComeAlong) {
    const auto compared = [](const std::string& before, const std::string& after) {
        return compare("powerpc64le-linux-gnu-as", before, after);
    };
    const std::vector<std::string> toc = {"elsewhere", "inside", "g"};
    const auto changed = compared(ppc64_toc("1", toc, ".LC1"), ppc64_toc("2", toc, ".LC1"));
    ASSERT_THAT(changed.verdict(), ElementsAre("changed f"));
    const elf::Object& extracted = changed.result.value().extracted;
    const elf::Section* copied = extracted.find_section(".toc");
    ASSERT_NE(copied, nullptr);
    EXPECT_EQ(copied->size(), 8);
    ASSERT_EQ(copied->rela().size(), 1);
    EXPECT_EQ(copied->rela().front().symbol->section, extracted.find_symbol("f")->section);
    // The place in the table is no difference, the content is.
    EXPECT_THAT(compared(ppc64_toc("1", toc, ".LC1"), ppc64_toc("1", {"elsewhere", "7", "inside"}, ".LC2")).verdict(),
                IsEmpty());
    EXPECT_THAT(
        compared(ppc64_toc("1", {"elsewhere", "g"}, ".LC1"), ppc64_toc("1", {"elsewhere", "h"}, ".LC1")).verdict(),
        ElementsAre("changed f"));
    // An entry that something else uses still leads into the old f.
    EXPECT_THAT(compared(ppc64_toc("1", {"inside", "g"}, ".LC1"), ppc64_toc("2", {"inside", "g"}, ".LC1")).verdict(),
                ElementsAre("refused diff.leads-inside"));
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

struct Calls {
    const char* assembler;
    const char* entry;  // of a function that ftrace can hook, which is listed as `f`
    const char* call;
    const char* jump;
};

std::string caller_and_body(const Calls& architecture, const std::string& branch, const std::string& body) {
    const bool is_patchable = std::string_view(architecture.entry).starts_with("nop");
    return ".section .text.body,\"ax\"\n.type body,%function\nbody: .long " + body +
           "\n.size body,.-body\n.globl f\n.section .text.f,\"ax\"\n.type f,%function\nf: 1: " + architecture.entry +
           branch + "\n.size f,.-f\n.section " + (is_patchable ? "__patchable_function_entries" : "__mcount_loc") +
           ",\"a\"\n.8byte f\n";
}

TEST_F(OtherArchitectures, CallersOfWhatCannotBeHooked) {
    constexpr auto architectures = std::to_array<Calls>({
        {"aarch64-linux-gnu-as", "nop\n nop\n", "bl body", "b body"},
        {"powerpc64le-linux-gnu-as", "nop\n", "bl body\n nop", "b body"},
        {"s390x-linux-gnu-as", "jgnop .\n", "brasl %r14,body", "jg body"},
    });
    const std::string nop[] = {"0xd503201f", "0x60000000", "0x07070707"};
    const std::string other[] = {"0xd503203f", "0x60210000", "0x18221822"};
    for (std::size_t i = 0; i < architectures.size(); ++i) {
        const Calls& each = architectures[i];
        for (const bool is_call : {true, false}) {
            const std::string branch = is_call ? each.call : each.jump;
            const auto compared =
                compare(each.assembler, caller_and_body(each, branch, nop[i]), caller_and_body(each, branch, other[i]));
            EXPECT_THAT(compared.verdict(), ElementsAre("carried body", "changed f")) << each.assembler << branch;
            EXPECT_EQ(compared.diagnostics.findings().empty(), is_call) << each.assembler << branch;
        }
    }
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
