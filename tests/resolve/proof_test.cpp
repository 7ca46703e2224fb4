// SPDX-License-Identifier: GPL-2.0-or-later
// Fidelity: what counts as the shipped function, and what does not.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "resolve/tiny_kernel.hpp"

namespace klp::resolve::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

// Two other functions, for targets; `spare` keeps the unit under test from being the first in .text.
const std::string others = R"(
    .globl one, two
    func spare
    ret
    end spare
    func one
    mov $1, %eax
    ret
    end one
    func two
    mov $2, %eax
    ret
    end two
)";

// Proves `name` of the unit `ours` against a kernel that was linked from `shipped`.
FunctionProof prove(const std::string& shipped, const std::string& ours, std::string_view name = "f") {
    const TinyKernel tiny({others, shipped});
    const auto kernel = tiny.kernel();
    const auto object = recompiled(ours);
    return proof(Unit(kernel, "vmlinux", diff::Decomposition(object)), object, name);
}

TEST(Proof, FindsCallsDataAndStringsUnderOtherAddresses) {
    const std::string unit = R"(
        variable counter
        .quad 7
        end counter
        func local
        ret
        end local
        func f
        call one
        call local
        cmpl $1, counter(%rip)
        mov $.Lhello, %rdi
        lea .Lworld(%rip), %rsi
        movq counter+4, %rax
        ret
        end f
        string hello, "hello"
        string world, "world"
    )";
    const auto result = prove(unit, unit);
    EXPECT_EQ(result.fidelity, Fidelity::identical) << result.detail;
    EXPECT_EQ(result.sympos, 0U);
    EXPECT_THAT(result.detail, IsEmpty());
}

TEST(Proof, SaysWhichBytesDiffer) {
    const auto result =
        prove("func f\n nop\n mov $3, %eax\n ret\n end f\n", "func f\n nop\n mov $4, %eax\n ret\n end f\n");
    EXPECT_EQ(result.fidelity, Fidelity::different);
    EXPECT_THAT(result.detail, AllOf(HasSubstr("+0x2"), HasSubstr("recompiled 04 00"), HasSubstr("shipped 03 00")));
}

TEST(Proof, SaysWhichTargetDiffers) {
    const auto result = prove("func f\n call one\n ret\n end f\n", "func f\n call two\n ret\n end f\n");
    EXPECT_EQ(result.fidelity, Fidelity::different);
    EXPECT_THAT(result.detail,
                AllOf(HasSubstr("+0x1"), HasSubstr("recompiled to 'two'"), HasSubstr("shipped to 'one'")));
}

TEST(Proof, DistinguishesOffsetsInOneVariable) {
    const std::string data = "variable table\n .quad 1, 2\n end table\n";
    const auto result = prove(data + "func f\n mov table+8(%rip), %rax\n ret\n end f\n",
                              data + "func f\n mov table(%rip), %rax\n ret\n end f\n");
    EXPECT_EQ(result.fidelity, Fidelity::different);
    EXPECT_THAT(result.detail, HasSubstr("recompiled to 'table'"));
}

TEST(Proof, ComparesStringsByContent) {
    const auto unit = [](const std::string& text) {
        return "string word, \"" + text + "\"\nfunc f\n mov $.Lword, %rdi\n ret\n end f\n";
    };
    EXPECT_EQ(prove(unit("same"), unit("same")).fidelity, Fidelity::identical);
    const auto result = prove(unit("shipped text"), unit("other text"));
    EXPECT_EQ(result.fidelity, Fidelity::different);
    EXPECT_THAT(result.detail, AllOf(HasSubstr("\"other text\""), HasSubstr("\"shipped text\"")));
}

TEST(Proof, TakesTheLabelOfAStringWhereTheReferencePointsBehindIt) {
    const std::string end = "func f\n cmp $.Lword+5, %rax\n ret\n end f\n";
    const auto result = prove("string word, \"word\"\nstring next, \"next\"\n" + end,
                              "string word, \"word\"\nstring next, \"other\"\n" + end);
    EXPECT_EQ(result.fidelity, Fidelity::identical) << result.detail;
}

TEST(Proof, NeedsTheSameEnd) {
    const std::string longer = "func f\n mov $1, %eax\n ret\n mov $2, %eax\n ret\n end f\n";
    const std::string shorter = "func f\n mov $1, %eax\n ret\n end f\n";
    EXPECT_THAT(prove(longer, shorter).detail, HasSubstr("goes on after that"));
    const auto followed = shorter + "func g\n mov $2, %eax\n ret\n end g\n";
    EXPECT_EQ(prove(followed, shorter).fidelity, Fidelity::identical);
}

TEST(Proof, KnowsAWeakFunctionThatLostItsName) {
    const std::string unit = R"(
        func f
        mov $1, %eax
        ret
        end f
        .weak two
        func two
        mov $9, %eax
        ret
        end two
        func g
        ret
        end g
    )";
    const auto before = prove(unit, unit, "f");
    EXPECT_EQ(before.fidelity, Fidelity::identical) << before.detail;
    const auto weak = prove(unit, unit, "two");
    EXPECT_EQ(weak.fidelity, Fidelity::different);
    EXPECT_THAT(weak.detail, HasSubstr("overrides this weak function"));
}

// The next file's: fs/proc/meminfo.c begins with arch_report_meminfo(), behind the last function of loadavg.c.
TEST(Proof, KnowsWhereTheNextFileBeginsWithAWeakFunctionThatLostItsName) {
    const std::string entry = ".globl __fentry__\n func __fentry__\n ret\n end __fentry__\n";
    const std::string unit = "func f\n call __fentry__\n mov $1, %eax\n ret\n end f\n";
    const auto prove_before = [&](const std::string& instructions) {
        const std::string next = ".weak two\n func two\n" + instructions + " ret\n end two\n func g\n ret\n end g\n";
        const TinyKernel tiny({others, entry, unit, next});
        const auto kernel = tiny.kernel();
        const auto object = recompiled(unit);
        return proof(Unit(kernel, "vmlinux", diff::Decomposition(object)), object, "f");
    };
    const auto before_entry = prove_before("call __fentry__\n mov $9, %eax\n");
    EXPECT_EQ(before_entry.fidelity, Fidelity::identical) << before_entry.detail;
    EXPECT_THAT(prove_before("call one\n mov $9, %eax\n").detail, HasSubstr("goes on after that"));
    EXPECT_THAT(prove_before("mov $9, %eax\n").detail, HasSubstr("goes on after that"));
}

const std::string tail_call = R"(
    func near
    ret
    end near
    func f
    test %rdi, %rdi
    je 1f
    jmp near
    1: mov $1, %eax
    ret
    end f
)";

TEST(Proof, AllowsBranchesThatTheAssemblerShortened) {
    const auto result = prove(tail_call, tail_call);
    EXPECT_EQ(result.fidelity, Fidelity::identical) << result.detail;
    EXPECT_THAT(result.detail, HasSubstr("short form"));
}

// Shipped, f lies 16 bytes behind a multiple of 32; recompiled, at one.
const std::string aligned_loop = R"(
    variable counter
    .quad 7
    end counter
    func near
    ret
    end near
    func f
    mov $5, %ecx
    jmp 2f
    .p2align 5
    1: mov counter(%rip), %eax
    call one
    dec %ecx
    2: jne 1b
    ret
    end f
)";

std::string with(std::string unit, std::string_view old, std::string_view text) {
    return unit.replace(unit.find(old), old.size(), text);
}

TEST(Proof, AllowsOtherNopsBeforeAlignedCode) {
    const auto result = prove(aligned_loop, aligned_loop);
    EXPECT_EQ(result.fidelity, Fidelity::identical) << result.detail;
    EXPECT_THAT(result.detail, HasSubstr("other nops before aligned code"));
    EXPECT_THAT(result.detail, testing::Not(HasSubstr("short form")));

    const auto is_other = [](std::string_view old, std::string_view text) {
        return prove(with(aligned_loop, old, text), aligned_loop).fidelity == Fidelity::different &&
               prove(aligned_loop, with(aligned_loop, old, text)).fidelity == Fidelity::different;
    };
    EXPECT_TRUE(is_other("dec %ecx", "inc %ecx"));
    EXPECT_TRUE(is_other("call one", "call two"));
    EXPECT_TRUE(is_other("jne 1b", "jne 2b"));
    EXPECT_TRUE(is_other("dec %ecx", "dec %ecx\n .byte 0x66, 0x90"));
    EXPECT_TRUE(is_other(".p2align 5", ".p2align 5\n .p2align 4\n nop\n nop"));
    EXPECT_TRUE(is_other(".p2align 5", ".skip 4, 0xcc\n .p2align 5"));
}

TEST(Proof, TellsNopsOfStaticKeysFromThoseThatAlign) {
    const std::string key = R"(3: .byte 0x66, 0x90
        .pushsection __jump_table, "aw"
        .long 3b - ., 1f - .
        .quad counter - .
        .popsection
        .p2align 5)";
    EXPECT_EQ(prove(aligned_loop, with(aligned_loop, ".p2align 5", key)).fidelity, Fidelity::different);
}

TEST(Proof, ChecksWhereShortenedBranchesLead) {
    std::string elsewhere = tail_call;
    elsewhere.replace(elsewhere.find("jmp near"), 8, "jmp next");
    elsewhere += "func next\n nop\n ret\n end next\n";
    const std::string ours = tail_call + "func next\n nop\n ret\n end next\n";
    const auto result = prove(elsewhere, ours);
    EXPECT_EQ(result.fidelity, Fidelity::different);
    EXPECT_THAT(result.detail, AllOf(HasSubstr("recompiled to 'near'"), HasSubstr("shipped to 'next'")));

    std::string conditional = tail_call;
    conditional.replace(conditional.find("jmp near"), 8, "jc near");
    EXPECT_EQ(prove(conditional, tail_call).fidelity, Fidelity::different);
    std::string inverted = tail_call;
    inverted.replace(inverted.find("je 1f"), 5, "jne 1f");
    EXPECT_EQ(prove(inverted, tail_call).fidelity, Fidelity::different);
    std::string inside = tail_call;
    inside.replace(inside.find("je 1f"), 5, "je 2f");
    inside.replace(inside.find("ret\n    end f"), 3, "2: ret");
    EXPECT_EQ(prove(inside, tail_call).fidelity, Fidelity::different);
}

TEST(Proof, ComparesCallsOfTheFunctionItself) {
    const auto unit = [](std::string_view target) {
        return fmt::format(".globl f\nfunc f\n test %edi, %edi\n call {}\n ret\n end f\n", target);
    };
    EXPECT_EQ(prove(unit("f"), unit("f")).fidelity, Fidelity::identical);
    const auto result = prove(unit("one"), unit("f"));
    EXPECT_EQ(result.fidelity, Fidelity::different);
    EXPECT_THAT(result.detail, HasSubstr("recompiled to the function itself, shipped to 'one'"));
    EXPECT_EQ(prove(unit("f"), unit("one")).fidelity, Fidelity::different);
}

// The bytes of a module's fields are zeros until it is loaded.
TEST(Proof, ARelocationThatIsShippedAloneIsADifference) {
    TinyKernel tiny({others});
    tiny.add_module("m", {"func f\n movl $one, %eax\n ret\n end f\n"});
    const auto kernel = tiny.kernel();
    const auto fidelity_of = [&](std::string_view value) {
        const auto object = recompiled(fmt::format("func f\n movl ${}, %eax\n ret\n end f\n", value));
        return proof(Unit(kernel, "m", diff::Decomposition(object)), object, "f");
    };
    EXPECT_EQ(fidelity_of("one").fidelity, Fidelity::identical) << fidelity_of("one").detail;
    EXPECT_EQ(fidelity_of("0").fidelity, Fidelity::different);
    EXPECT_THAT(fidelity_of("0").detail, HasSubstr("relocation at +0x1 in the shipped bytes alone"));
}

TEST(Proof, RelocationsThatOverlapProveNothing) {
    const std::string shipped = "func f\n call one\n nop\n ret\n end f\n";
    const auto result = prove(shipped, "func f\n call one\n .reloc .-2, R_X86_64_32, two\n nop\n ret\n end f\n");
    EXPECT_EQ(result.fidelity, Fidelity::different);
    EXPECT_THAT(result.detail, HasSubstr("relocation fields overlap at +0x3"));
}

TEST(Proof, MissesWhatTheKernelDoesNotHave) {
    const auto result = prove("func g\n ret\n end g\n", "func f\n ret\n end f\n");
    EXPECT_EQ(result.fidelity, Fidelity::missing);
}

TEST(CheckChanged, RefusesWhatIsNotProven) {
    const std::string traced = R"(
        .globl __fentry__
        func __fentry__
        ret
        end __fentry__
    )";
    const auto unit = [](int value) {
        const std::string body = "call __fentry__\n mov $" + std::to_string(value) + ", %eax\n ret\n";
        return "func f\n" + body + "end f\nfunc g\n ret\n end g\n.section __mcount_loc,\"a\"\n.quad f\n";
    };
    const TinyKernel tiny({traced, unit(1)});
    const auto kernel = tiny.kernel();
    const auto same = recompiled(unit(1));
    const auto other = recompiled(unit(2));

    Diagnostics none;
    Unit(kernel, "vmlinux", diff::Decomposition(same)).check_changed(change_of(same, "f"), none);
    EXPECT_THAT(none.findings(), IsEmpty());

    Diagnostics found;
    Unit(kernel, "vmlinux", diff::Decomposition(other)).check_changed(change_of(other, "f"), found);
    Unit(kernel, "vmlinux", diff::Decomposition(same)).check_changed(change_of(same, "g"), found);
    const auto gone = recompiled(unit(1) + "func gone\n ret\n end gone\n");
    Diagnostics missing;
    Unit(kernel, "vmlinux", diff::Decomposition(gone)).check_changed(change_of(gone, "gone"), missing);
    EXPECT_EQ(missing.findings().at(0).id, "resolve.missing");
    ASSERT_EQ(found.findings().size(), 2U);
    EXPECT_EQ(found.findings()[0].id, "resolve.fidelity");
    EXPECT_THAT(found.findings()[0].notes.at(0), HasSubstr("bytes differ"));
    EXPECT_EQ(found.findings()[1].id, "resolve.untraceable");
}

}  // namespace
}  // namespace klp::resolve::test
