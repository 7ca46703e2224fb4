// SPDX-License-Identifier: GPL-2.0-or-later
// Entries of special sections go with the code that they describe.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "diff/pair.hpp"

namespace klp::diff {
namespace {

using test::compare_asm;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A function that ftrace can hook, in its own section. `body` is followed by `ret`.
std::string function(std::string name, std::string_view body) {
    return ".section .text." + name + ",\"ax\"\n.globl " + name + "\n.type " + name + ",@function\n" + name +
           ":\n1: call __fentry__\n.pushsection __mcount_loc,\"a\"\n.quad 1b\n.popsection\n" + std::string(body) +
           "\nret\n.size " + name + ",.-" + name + "\n";
}

// include/asm-generic/bug.h: struct bug_entry of 12 bytes
std::string warning(std::string_view line) {
    return "2: ud2\n.pushsection __bug_table,\"aw\"\n3: .long 2b - 3b, .Lfile - .\n.word " + std::string(line) +
           ", 0\n.popsection\n.pushsection .rodata.str1.1,\"aMS\",@progbits,1\n.ifndef .Lfile\n.Lfile: .string "
           "\"file.c\"\n"
           ".endif\n.popsection\n";
}

std::string alternative(std::string_view replacement) {
    return "2: nop\n.pushsection .altinstructions,\"a\"\n.long 2b - ., 4f - .\n.word 7\n.byte 1, 5f-4f\n.popsection\n"
           ".pushsection .altinstr_replacement,\"ax\"\n4: " +
           std::string(replacement) + "\n5:\n.popsection\n";
}

std::string branch_on(std::string_view key) {
    return "2: .byte 0x0f,0x1f,0x44,0,0\n.pushsection __jump_table,\"aw\"\n.balign 8\n.long 2b - ., 3f - .\n.quad " +
           std::string(key) + " - .\n.popsection\n3: nop\n";
}

Options for_module() {
    return {.for_module = true, .resolved_at_load = [](std::string_view symbol) { return symbol == "exported"; }};
}

TEST(Special, LinesOfWarningsDoNotMatter) {
    EXPECT_THAT(compare_asm(function("f", warning("10")), function("f", warning("11"))).verdict(), IsEmpty());
}

TEST(Special, OnlyEntriesOfIncludedFunctionsAreCarried) {
    const auto compared = compare_asm(
        function("g", warning("1")) + function("f", "nop\n" + warning("10")) + function("h", warning("3")),
        function("h", warning("1")) + function("f", "int3\n" + warning("11")) + function("g", warning("3")));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    const elf::Section* bugs = compared.result.value().extracted.find_section("__bug_table");
    ASSERT_NE(bugs, nullptr);
    EXPECT_EQ(bugs->size(), 12);
    EXPECT_THAT(compared.relocations("__bug_table"), ElementsAre("f+6", ".LC0+0"));
    EXPECT_THAT(compared.relocations("__mcount_loc"), ElementsAre("f+0"));
}

// asm/bug.h of x86 from 6.19 on: the entry itself is an argument of WARN_trap().
std::string printed_warning(std::string_view line) {
    return "lea 3f(%rip), %rdi\n2: call WARN_trap\n.pushsection __bug_table,\"aw\"\n3: .long 2b - 3b, .Lfile - "
           ".\n.word " +
           std::string(line) +
           ", 0\n.popsection\n.pushsection .rodata.str1.1,\"aMS\",@progbits,1\n.ifndef .Lfile\n.Lfile: .string "
           "\"file.c\"\n.endif\n.popsection\n";
}

TEST(Special, ReferencesToEntriesOfTheFunctionFollowThem) {
    const auto before =
        function("f", "nop\n" + warning("1") + printed_warning("2")) + function("g", printed_warning("3"));
    // Another entry before them moves both.
    const auto compared =
        compare_asm(before, function("f", "int3\n" + warning("1") + warning("7") + printed_warning("2")) +
                                function("g", printed_warning("3")));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    const elf::Section* bugs = compared.result.value().extracted.find_section("__bug_table");
    ASSERT_NE(bugs, nullptr);
    EXPECT_EQ(bugs->size(), 36);
    const auto relocations = compared.result.value().extracted.find_section(".text.f")->rela();
    const auto refers_to_the_third = [&](const elf::Relocation& each) {
        return each.symbol->section == bugs && each.addend == 24 - 4;
    };
    EXPECT_EQ(std::ranges::count_if(relocations, refers_to_the_third), 1);
    EXPECT_THAT(compare_asm(before, function("g", printed_warning("4")) +
                                        function("f", "nop\n" + warning("8") + printed_warning("9")))
                    .verdict(),
                IsEmpty());
}

TEST(Special, AnotherEntryIsADifference) {
    const auto two = [](std::string_view first, std::string_view second) {
        return function("f", "lea " + std::string(first) + "(%rip), %rdi\n2: call WARN_trap\nlea " +
                                 std::string(second) +
                                 "(%rip), %rdi\n4: call WARN_trap\n.pushsection __bug_table,\"aw\"\n"
                                 "3: .long 2b - 3b, 0, 0\n5: .long 4b - 5b, 0, 0\n.popsection\n");
    };
    EXPECT_THAT(compare_asm(two("3f", "5f"), two("3f", "5f")).verdict(), IsEmpty());
    EXPECT_THAT(compare_asm(two("3f", "5f"), two("5f", "3f")).verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compare_asm(two("3f", "5f"), two("3f", "5f+4")).verdict(), ElementsAre("changed f"));
}

TEST(Special, EntriesOfOtherFunctionsAreNotReferredTo) {
    const std::string other = function("g", warning("1"));
    const auto uses = [](std::string_view code) {
        return function("f", std::string(code) + "\nlea __bug_table+4(%rip), %rdi");
    };
    const auto compared = compare_asm(other + uses("nop"), other + uses("int3"));
    EXPECT_THAT(compared.verdict(), Contains(HasSubstr("diff.unknown-section")));
}

TEST(Special, AFunctionChangesWithItsReplacementCode) {
    const auto before = function("g", alternative("pause")) + function("f", alternative("mfence"));
    EXPECT_THAT(
        compare_asm(before, function("f", alternative("mfence")) + function("g", alternative("pause"))).verdict(),
        IsEmpty());
    const auto compared =
        compare_asm(before, function("g", alternative("pause")) + function("f", alternative("lfence")));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    const elf::Section* pool = compared.result.value().extracted.find_section(".altinstr_replacement");
    ASSERT_NE(pool, nullptr);
    EXPECT_EQ(pool->size(), 3);
    EXPECT_EQ(compared.result.value().extracted.find_section(".altinstructions")->size(), 12);
}

TEST(Special, CompanionsStayInStep) {
    const auto unwind = [](std::string_view first, std::string_view second) {
        return ".section .orc_unwind,\"a\"\n.byte " + std::string(first) + ",0,0,0,0,0\n.byte " + std::string(second) +
               ",0,0,0,0,0\n.section .orc_unwind_ip,\"a\"\n.long g - .\n.long f - .\n";
    };
    const auto compared = compare_asm(function("f", "nop") + function("g", "nop") + unwind("1", "2"),
                                      function("f", "int3") + function("g", "nop") + unwind("1", "2"));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    const elf::Section* unwinding = compared.result.value().extracted.find_section(".orc_unwind");
    ASSERT_NE(unwinding, nullptr);
    EXPECT_EQ(unwinding->size(), 6);
    EXPECT_EQ(unwinding->content()[0], std::byte{2});
    EXPECT_THAT(compared.relocations(".orc_unwind_ip"), ElementsAre("f+0"));
}

TEST(Special, KeysOfTheKernelAreReferredTo) {
    const auto compared = compare_asm(function("f", branch_on("key")), function("f", "nop\n" + branch_on("key")));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compared.references(), Contains("key"));
    EXPECT_THAT(
        compare_asm(function("f", branch_on("exported")), function("f", "nop\n" + branch_on("exported")), for_module())
            .verdict(),
        ElementsAre("changed f"));
}

TEST(Special, KeysOfAModuleAreRefused) {
    const auto compared = compare_asm(function("f", branch_on("key")),
                                      function("f", "nop\n" + branch_on("key") + branch_on("key")), for_module());
    EXPECT_THAT(compared.verdict(), ElementsAre("refused diff.static-key"));
    EXPECT_THAT(compared.diagnostics.findings()[0].message, HasSubstr("'key'"));
}

TEST(Special, TracepointsOfAModuleStayOff) {
    const auto compared = compare_asm(function("f", branch_on("__tracepoint_one")),
                                      function("f", "nop\n" + branch_on("__tracepoint_one")), for_module());
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    EXPECT_EQ(compared.result.value().extracted.find_section("__jump_table"), nullptr);
    EXPECT_THAT(compared.result.value().notes, ElementsAre(HasSubstr("tracepoint 'one'")));
}

// A first comparison finds the keys, and the second one is of an object that reads them.
TEST(Special, KeysOfAModuleAreReadWhereTheObjectIsCompiledSo) {
    const auto read = [](std::string_view key) { return fmt::format("cmpl $0, {}(%rip)\n", key); };
    const auto original = function("f", branch_on("key")) + function("g", branch_on("key")) +
                          function("h.isra.0", branch_on("key")) + function("i", branch_on("__tracepoint_one"));
    const auto changed = function("f", "nop\n" + branch_on("key")) + function("g", branch_on("key")) +
                         function("h.isra.0", branch_on("key")) +
                         function("i", "nop\n" + branch_on("__tracepoint_one"));
    LateKeys keys;
    Options first = for_module();
    first.late_keys = &keys;
    (void)compare_asm(original, changed, first);
    EXPECT_THAT(keys.names, ElementsAre("__tracepoint_one", "key"));
    EXPECT_THAT(keys.unchanged, ElementsAre("g", "h.isra.0"));
    EXPECT_THAT(keys.changed, ElementsAre("f", "i"));

    Options second = for_module();
    second.unchanged = keys.unchanged;
    const auto reading = function("f", "nop\n" + read("key")) + function("g", read("key")) +
                         function("h.isra.0", read("key")) + function("i", "nop\n" + read("__tracepoint_one"));
    EXPECT_THAT(compare_asm(original, reading).verdict(),
                ElementsAre("changed f", "changed g", "changed h.isra.0", "changed i"));
    // A clone may be called in another way than the one of its name in the original.
    const auto compared = compare_asm(original, reading, second);
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f", "changed h.isra.0", "changed i"));
    EXPECT_THAT(compared.references(), ElementsAre("__fentry__", "__tracepoint_one", "key"));
}

TEST(Special, StaticCallsOfAModuleUseTheirTrampolines) {
    const auto call =
        "2: call __SCT__x\n.pushsection .static_call_sites,\"aw\"\n.long 2b - ., __SCK__x - .\n.popsection\n";
    const auto compared = compare_asm(function("f", call), function("f", std::string("nop\n") + call), for_module());
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    EXPECT_EQ(compared.result.value().extracted.find_section(".static_call_sites"), nullptr);
    EXPECT_THAT(compared.references(), Contains("__SCT__x"));
}

TEST(Special, NewStaticCallsAreRefused) {
    const std::string trampoline =
        ".section .static_call.text,\"ax\"\n.type __SCT__new,@function\n__SCT__new: jmp helper\n.size __SCT__new,5\n";
    EXPECT_THAT(compare_asm(function("f", "nop"), function("f", "call __SCT__new") + trampoline).verdict(),
                ElementsAre("refused diff.static-call"));
    EXPECT_THAT(compare_asm(function("f", "nop") + trampoline, function("f", "call __SCT__new") + trampoline).verdict(),
                ElementsAre("changed f"));
}

TEST(Special, CodeThatRefersBehindASpecialSectionIsRefused) {
    const auto with = [](std::string_view code) { return function("f", warning("1") + std::string(code)); };
    EXPECT_THAT(compare_asm(with(""), with("lea 3b(%rip), %rax")).verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compare_asm(with(""), with("lea 3b+12(%rip), %rax")).verdict(),
                ElementsAre("refused diff.unknown-section"));
}

TEST(Special, ReplacementCodeCannotWaitForAModule) {
    const auto before = function("f", alternative("call exported"));
    EXPECT_THAT(compare_asm(before, function("f", "nop\n" + alternative("call exported")), for_module()).verdict(),
                ElementsAre("changed f"));
    EXPECT_THAT(compare_asm(before, function("f", "nop\n" + alternative("call local")), for_module()).verdict(),
                ElementsAre("refused diff.late-special"));
    EXPECT_THAT(compare_asm(before, function("f", "nop\n" + alternative("call local"))).verdict(),
                ElementsAre("changed f"));
}

// The late relocation of the replaced call would be written into the code that replaced it.
TEST(Special, ReplacedCodeCannotWaitForAModule) {
    const auto call = [](std::string_view target) {
        return "2: call " + std::string(target) +
               "\n3:\n.pushsection .altinstructions,\"a\"\n.long 2b - ., 4f - .\n.word 7\n" +
               ".byte 5, 5\n.popsection\n.pushsection .altinstr_replacement,\"ax\"\n4: call exported\n.popsection\n";
    };
    const auto before = function("f", call("exported"));
    EXPECT_THAT(compare_asm(before, function("f", "nop\n" + call("exported")), for_module()).verdict(),
                ElementsAre("changed f"));
    EXPECT_THAT(compare_asm(before, function("f", "nop\n" + call("local")), for_module()).verdict(),
                ElementsAre("refused diff.late-special"));
}

TEST(Special, EntriesWithoutCodeAreRefused) {
    EXPECT_THAT(
        compare_asm(function("f", "nop"), function("f", "nop") + ".section __ex_table,\"a\"\n.long nowhere - ., 0, 0\n")
            .verdict(),
        ElementsAre("refused diff.special-orphan"));
}

// CONFIG_CALL_PADDING: nops before a function, which the kernel fills with code of its own; objtool names them.
std::string padded_functions(const std::string& value, bool has_prefix_symbols, std::string_view section = "") {
    std::string text;
    for (const std::string name : {"f", "g"}) {
        text += ".section " + (section.empty() ? ".text." + name : std::string(section)) + ",\"ax\"\n.p2align 4\n0:\n";
        if (has_prefix_symbols) text += fmt::format(".globl __pfx_{0}\n.type __pfx_{0},@function\n__pfx_{0}:\n", name);
        text += ".rept 16\nnop\n.endr\n";
        if (has_prefix_symbols) text += fmt::format(".size __pfx_{0},16\n", name);
        text += fmt::format(
                    ".globl {0}\n.type {0},@function\n{0}:\n1: call __fentry__\nmov ${1}, %eax\nret\n.size {0},.-{0}\n",
                    name, value) +
                ".pushsection __mcount_loc,\"a\"\n.quad 1b\n.popsection\n"
                ".pushsection __patchable_function_entries,\"aw\"\n.quad 0b\n.popsection\n";
        if (has_prefix_symbols)
            text +=
                ".pushsection .orc_unwind_ip,\"a\"\n.long 0b - .\n.popsection\n"
                ".pushsection .orc_unwind,\"a\"\n.zero 6\n.popsection\n";
    }
    return text;
}

TEST(Prologue, NopsBeforeAFunctionComeAlong) {
    for (const bool has_symbols : {true, false}) {
        for (const std::string_view section : {"", ".sched.text"}) {
            const auto compared =
                compare_asm(padded_functions("1", has_symbols, section), padded_functions("2", has_symbols, section));
            ASSERT_THAT(compared.verdict(), ElementsAre("changed f", "changed g"));
            const elf::Object& extracted = compared.result.value().extracted;
            const elf::Section* areas = extracted.find_section("__patchable_function_entries");
            ASSERT_NE(areas, nullptr);
            const elf::Section* unwind = extracted.find_section(".orc_unwind_ip");
            ASSERT_EQ(unwind != nullptr, has_symbols);
            for (const char* name : {"f", "g"}) {
                const elf::Symbol& made = *extracted.find_symbol(name);
                ASSERT_EQ(made.value, 16) << has_symbols << section;
                EXPECT_EQ(made.section->alignment, 16);
                EXPECT_TRUE(std::ranges::all_of(made.section->content().first(16),
                                                [](std::byte each) { return each == std::byte{0x90}; }));
                const auto is_of_it = [&](const elf::Relocation& each) {
                    return each.symbol->section == made.section &&
                           each.symbol->value + static_cast<std::uint64_t>(each.addend) == 0;
                };
                EXPECT_EQ(std::ranges::count_if(areas->rela(), is_of_it), 1) << has_symbols << section;
                // How to unwind from the nops: objtool says so where it has named them.
                if (unwind != nullptr) {
                    EXPECT_EQ(std::ranges::count_if(unwind->rela(), is_of_it), 1) << section;
                }
            }
        }
    }
}

// SHF_LINK_ORDER: binutils link no section that has it with one of the same name that leads nowhere.
TEST(Prologue, ListsStayLinkedToTheirFunctions) {
    const auto object = [](int value) {
        return test::compile(fmt::format("int use(int); int f(int x) {{ return use(x) + {0}; }}"
                                         "int g(int x) {{ return use(x) * 3 + {0}; }}",
                                         value),
                             {"-fpatchable-function-entry=16,16"});
    };
    const test::Compared compared(object(1), object(2));
    ASSERT_THAT(compared.verdict(), ElementsAre("changed f", "changed g"));
    const elf::Object& extracted = compared.result.value().extracted;
    std::set<const elf::Section*> linked;
    for (const auto& each : extracted.sections()) {
        if (each->name != "__patchable_function_entries") continue;
        linked.insert(each->link);
        ASSERT_EQ(each->rela().size(), 1);
        EXPECT_EQ(each->rela().front().symbol->section, each->link);
    }
    EXPECT_THAT(linked, testing::UnorderedElementsAre(extracted.find_symbol("f")->section,
                                                      extracted.find_symbol("g")->section));
}

TEST(DebugDescriptor, IsFoundByItsContent) {
    const auto descriptor = [](std::string_view name, std::string_view text, std::string_view line) {
        return ".section __dyndbg,\"aw\"\n.type " + std::string(name) + ",@object\n.size " + std::string(name) +
               ",56\n" + std::string(name) + ": .quad .Lt" + std::string(text) + ", 0, 0, 0\n.long " +
               std::string(line) + "\n.zero 20\n.pushsection .rodata.str1.1,\"aMS\",@progbits,1\n.Lt" +
               std::string(text) + ": .string \"" + std::string(text) + "\"\n.popsection\n";
    };
    const auto before =
        descriptor("__UNIQUE_ID_ddebug10.1", "one", "5") + descriptor("__UNIQUE_ID_ddebug12.2", "two", "7");
    const auto after = descriptor("__UNIQUE_ID_ddebug11.1", "two", "8") +
                       descriptor("__UNIQUE_ID_ddebug12.2", "one", "6") +
                       descriptor("__UNIQUE_ID_ddebug20.3", "three", "9");
    EXPECT_THAT(compare_asm(before + function("f", "mov $__UNIQUE_ID_ddebug10.1, %rdi"),
                            after + function("f", "mov $__UNIQUE_ID_ddebug12.2, %rdi"))
                    .verdict(),
                IsEmpty());
    const auto compared =
        compare_asm(before + function("f", "nop"),
                    after + function("f", "mov $__UNIQUE_ID_ddebug12.2, %rdi\nmov $__UNIQUE_ID_ddebug20.3, %rdi"));
    EXPECT_THAT(compared.references(), Contains("__UNIQUE_ID_ddebug10.1"));
    EXPECT_THAT(compared.data(), Contains("new __UNIQUE_ID_ddebug20.3"));
    EXPECT_EQ(compared.result.value().extracted.find_section("__dyndbg")->size(), 56);
}

}  // namespace
}  // namespace klp::diff
