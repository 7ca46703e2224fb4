// SPDX-License-Identifier: GPL-2.0-or-later
// Functions that ftrace cannot hook: their callers are replaced, and bring them along.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diff/pair.hpp"

namespace klp::diff {
namespace {

using test::compare_asm;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string code(const std::string& section, const std::string& name, const std::string& body) {
    return ".section " + section + ",\"ax\"\n.type " + name + ",@function\n" + name + ":\n" + body + "\nret\n.size " +
           name + ",.-" + name + "\n";
}

// Static; what ftrace cannot hook.
std::string hidden(const std::string& name, const std::string& body) {
    return code(".text." + name, name, body);
}

// Global; what ftrace can hook.
std::string hooked(const std::string& name, const std::string& body) {
    return ".globl " + name + "\n" +
           code(".text." + name, name,
                "1: call __fentry__\n.pushsection __mcount_loc,\"a\"\n.quad 1b\n.popsection\n" + body);
}

std::string reason_of(const test::Compared& compared, std::string_view name) {
    for (const FunctionChange& each : compared.result.value().functions)
        if (each.name == name) return each.reason;
    return "(none)";
}

std::string notes_of(const test::Compared& compared) {
    std::string text;
    for (const Finding& finding : compared.diagnostics.findings())
        for (const std::string& note : finding.notes) text += note + "\n";
    return text;
}

TEST(Callers, AreReplacedForABodyThatCannotBeHooked) {
    const std::string callers = hooked("f", "call body") + hooked("g", "jmp body") + hooked("other", "call f");
    const auto compared = compare_asm(hidden("body", "nop") + callers, hidden("body", "int3") + callers);
    EXPECT_THAT(compared.verdict(), ElementsAre("carried body", "changed f", "changed g"));
    EXPECT_EQ(reason_of(compared, "f"), "it calls 'body', which cannot be hooked");
    EXPECT_EQ(reason_of(compared, "body"), "bytes at +0x0");
    EXPECT_THAT(compared.relocations(".text.f"), Contains("body-4"));
    EXPECT_THAT(compared.relocations(".text.g"), Contains("body-4"));
    EXPECT_THAT(compared.references(), ElementsAre("__fentry__"));
}

// Nothing of the replaced function is on the stack of a task that is in the body then.
TEST(Callers, ThatJumpToItAreWarnedOf) {
    const auto warnings = [](const test::Compared& compared) {
        std::vector<std::string> lines;
        for (const Finding& each : compared.diagnostics.findings())
            lines.push_back(each.id + " " + each.message.substr(0, each.message.find(',')) + " " +
                            std::to_string(each.notes.size()));
        return lines;
    };
    const std::string jump = hooked("f", "jmp body"), call = hooked("f", "call body");
    const auto both = compare_asm(hidden("body", "nop") + jump, hidden("body", "int3") + jump);
    EXPECT_THAT(warnings(both), ElementsAre("diff.tail-call 'f' jumps to 'body' 2"));
    EXPECT_THAT(both.result.value().outlives, ElementsAre("a task in 'body', which 'f' jumps to"));
    const auto conditional = hooked("f", "jne body");
    EXPECT_THAT(warnings(compare_asm(hidden("body", "nop") + conditional, hidden("body", "int3") + conditional)),
                ElementsAre("diff.tail-call 'f' jumps to 'body' 2"));
    const auto before = compare_asm(hidden("body", "nop") + jump, hidden("body", "int3") + call);
    EXPECT_THAT(warnings(before), ElementsAre("diff.tail-call 'f' jumps to 'body' 1"));
    EXPECT_THAT(before.result.value().outlives, IsEmpty());
    EXPECT_THAT(warnings(compare_asm(hidden("body", "nop") + call, hidden("body", "int3") + call)), IsEmpty());
    // `f` is on the stack
    const std::string middle = hidden("middle", "jmp body") + hooked("f", "call middle");
    EXPECT_THAT(warnings(compare_asm(hidden("body", "nop") + middle, hidden("body", "int3") + middle)), IsEmpty());
}

TEST(Callers, AreFoundThroughOthersThatCannotBeHooked) {
    const std::string callers = hidden("middle", "call body") + hooked("f", "call middle") + hooked("other", "call f");
    const auto compared = compare_asm(hidden("body", "nop") + callers, hidden("body", "int3") + callers);
    EXPECT_THAT(compared.verdict(), ElementsAre("carried body", "carried middle", "changed f"));
    EXPECT_EQ(reason_of(compared, "middle"), "it calls 'body', which cannot be hooked");
    EXPECT_EQ(reason_of(compared, "f"), "it calls 'middle', which cannot be hooked");
}

TEST(Callers, MayCallEachOther) {
    const std::string callers = hidden("middle", "call body") + hooked("f", "call middle");
    const auto compared = compare_asm(hidden("body", "nop\ncall middle") + callers,
                                      hidden("body", "int3\ncall middle\ncall body") + callers);
    EXPECT_THAT(compared.verdict(), ElementsAre("carried body", "carried middle", "changed f"));
}

TEST(Callers, InColdPartsAndAlternativesCount) {
    const std::string cold = hooked("f", "jmp f.cold") + code(".text.unlikely", "f.cold", "call body");
    EXPECT_THAT(compare_asm(hidden("body", "nop") + cold, hidden("body", "int3") + cold).verdict(),
                ElementsAre("carried body", "changed f", "included f.cold"));
    const std::string alternative =
        hooked("f",
               "2: nop\n.pushsection .altinstructions,\"a\"\n.long 2b - ., 4f - .\n.word 7\n.byte 1, 5f-4f\n"
               ".popsection\n.pushsection .altinstr_replacement,\"ax\"\n4: call body\n5:\n.popsection\n");
    EXPECT_THAT(compare_asm(hidden("body", "nop") + alternative, hidden("body", "int3") + alternative).verdict(),
                ElementsAre("carried body", "changed f"));
}

TEST(Callers, MayCallItNoMoreOrNowForTheFirstTime) {
    EXPECT_THAT(compare_asm(hidden("body", "nop") + hooked("f", "call body") + hooked("g", "call body"),
                            hidden("body", "int3") + hooked("f", "call body") + hooked("g", "nop"))
                    .verdict(),
                ElementsAre("carried body", "changed f", "changed g"));
    EXPECT_THAT(compare_asm(hidden("body", "nop") + hooked("f", "call body") + hooked("g", "nop"),
                            hidden("body", "int3") + hooked("f", "call body") + hooked("g", "call body"))
                    .verdict(),
                ElementsAre("carried body", "changed f", "changed g"));
    // nobody needs the new one
    EXPECT_THAT(
        compare_asm(hidden("body", "nop") + hooked("f", "call body"), hidden("body", "int3") + hooked("f", "nop"))
            .verdict(),
        ElementsAre("changed f"));
}

// What the patch takes away is still there to be called.
TEST(Callers, ThatGoAreCoveredByTheirOwn) {
    EXPECT_THAT(compare_asm(hidden("body", "nop") + hidden("gone", "call body") + hooked("f", "call gone"),
                            hidden("body", "int3") + hooked("f", "call body"))
                    .verdict(),
                ElementsAre("carried body", "changed f"));
    const auto compared = compare_asm(hidden("body", "nop") + hooked("gone", "call body") + hooked("f", "call body"),
                                      hidden("body", "int3") + hooked("f", "call body"));
    EXPECT_THAT(compared.verdict(), ElementsAre("refused diff.not-traceable"));
    EXPECT_THAT(notes_of(compared), HasSubstr("'gone', which calls it: it is global"));
}

TEST(Callers, ThatCannotBeHookedThemselvesAreRefused) {
    const std::string callers = ".globl top\n" + hidden("top", "call body") + hooked("f", "call body");
    const auto compared = compare_asm(hidden("body", "nop") + callers, hidden("body", "int3") + callers);
    EXPECT_THAT(compared.verdict(), ElementsAre("refused diff.not-traceable"));
    EXPECT_THAT(compared.diagnostics.findings()[0].message,
                HasSubstr("'top' changed (it calls 'body', which cannot be hooked)"));
    EXPECT_THAT(notes_of(compared), HasSubstr("it is global: other files may call it"));
}

// `more` leads to `body` otherwise than by a call.
std::string note_for(const std::string& more, const Options& options = {}) {
    const std::string callers = hooked("f", "call body") + more;
    const auto compared = compare_asm(hidden("body", "nop") + callers, hidden("body", "int3") + callers, options);
    EXPECT_THAT(compared.verdict(), ElementsAre("refused diff.not-traceable")) << more;
    return notes_of(compared);
}

TEST(Callers, AreNotAllWhereTheAddressIsTaken) {
    EXPECT_THAT(note_for(hooked("g", "lea body(%rip), %rax")), HasSubstr("its address is taken by 'g' at +0x"));
    EXPECT_THAT(note_for(hooked("g", "movq $body, (%rdi)")), HasSubstr("its address is taken by 'g' at +0x"));
    EXPECT_THAT(note_for(code(".init.text", "start", "movq $body, (%rdi)")), HasSubstr("taken by 'start'"));
    EXPECT_THAT(note_for(".data\n.globl ops\n.type ops,@object\nops: .quad body\n.size ops,8\n"),
                HasSubstr("its address is in 'ops'"));
    EXPECT_THAT(note_for(".section .rodata.ops,\"a\"\n.type ops,@object\nops: .quad body\n.size ops,8\n"),
                HasSubstr("its address is in 'ops'"));
    EXPECT_THAT(note_for(".section __ex_table,\"a\"\n.long f - ., body - ., 0\n"),
                HasSubstr("entry of 'f' in __ex_table"));
    // by itself, and in the patched object alone
    const std::string caller = hooked("f", "call body");
    EXPECT_THAT(compare_asm(hidden("body", "nop\nmovq $body, (%rdi)") + caller,
                            hidden("body", "int3\nmovq $body, (%rdi)") + caller)
                    .verdict(),
                ElementsAre("refused diff.not-traceable"));
    EXPECT_THAT(compare_asm(hidden("body", "nop") + caller + hooked("g", "nop"),
                            hidden("body", "int3") + caller + hooked("g", "lea body(%rip), %rax"))
                    .verdict(),
                ElementsAre("refused diff.not-traceable"));
}

TEST(Callers, DoNotIncludeListsOfAddressesThatNobodyCalls) {
    const std::string callers =
        hooked("f", "call body") +
        ".section _kprobe_blacklist,\"aw\"\n_kbl_addr_body: .quad body\n.size _kbl_addr_body,8\n";
    EXPECT_THAT(compare_asm(hidden("body", "nop") + callers, hidden("body", "int3") + callers).verdict(),
                ElementsAre("carried body", "changed f"));
}

// Calls of init code have been made; those of exit code are to come, unless it was never there.
TEST(Callers, OfInitAndExitCode) {
    const std::string init = hooked("f", "call body") + code(".init.text", "start", "call body");
    EXPECT_THAT(compare_asm(hidden("body", "nop") + init, hidden("body", "int3") + init).verdict(),
                ElementsAre("carried body", "changed f"));
    const std::string exit = hooked("f", "call body") + code(".exit.text", "stop", "call body");
    EXPECT_THAT(compare_asm(hidden("body", "nop") + exit, hidden("body", "int3") + exit).verdict(),
                ElementsAre("carried body", "changed f"));
    EXPECT_THAT(note_for(code(".exit.text", "stop", "call body"), {.for_module = true}),
                HasSubstr("'stop' calls it, which is __exit code"));
    const std::string only_init = hooked("f", "nop") + code(".init.text", "start", "call body");
    const auto compared = compare_asm(hidden("body", "nop") + only_init, hidden("body", "int3") + only_init);
    EXPECT_THAT(compared.verdict(), IsEmpty());
    ASSERT_EQ(compared.diagnostics.findings().size(), 1);
    EXPECT_EQ(compared.diagnostics.findings()[0].id, "diff.not-carried");
    EXPECT_EQ(compared.diagnostics.findings()[0].message,
              "function 'body' changed (bytes at +0x0), but only code that has run calls it");
    // until the patch calls it
    EXPECT_THAT(compare_asm(hidden("body", "nop") + only_init, hidden("body", "int3") + hooked("f", "call body") +
                                                                   code(".init.text", "start", "call body"))
                    .verdict(),
                ElementsAre("carried body", "changed f"));
}

TEST(Callers, StayWhereTheBodyDidNotChange) {
    const std::string same = hidden("body", "nop") + hooked("f", "call body");
    const auto compared = compare_asm(same + hooked("g", "nop"), same + hooked("g", "int3"));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed g"));
    EXPECT_THAT(compare_asm(same, same).verdict(), IsEmpty());
}

}  // namespace
}  // namespace klp::diff
