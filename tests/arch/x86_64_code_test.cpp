// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "arch/registry.hpp"
#include "support/assemble.hpp"

namespace klp::arch::x86_64_code_test {
namespace {

using test::assemble;
using testing::ElementsAre;
using testing::HasSubstr;

const Arch& x86() {
    return for_name("x86_64");
}

Range whole(const elf::Section& section) {
    return {0, section.size()};
}

// In the order of the code; the assembler writes the relocations of jumps last.
std::vector<std::int64_t> biases(const elf::Object& object, std::string_view section_name) {
    const elf::Section& section = *object.find_section(section_name);
    std::vector<elf::Relocation> relocations(section.rela().begin(), section.rela().end());
    std::ranges::sort(relocations, {}, &elf::Relocation::offset);
    std::vector<std::int64_t> result;
    for (const auto& each : relocations) result.push_back(x86().addend_bias(section, whole(section), each));
    return result;
}

TEST(AddendBias, CountsToTheEndOfTheInstruction) {
    const auto object = assemble(R"(
        call foo
        jne foo
        mov foo(%rip), %rax
        cmpl $1, foo+8(%rip)
        movl $0x12345678, foo(%rip)
        movw $0x1234, foo(%rip)
        lock incl foo(%rip)
    )");
    EXPECT_THAT(biases(object, ".text"), ElementsAre(4, 4, 4, 5, 8, 6, 4));
}

TEST(AddendBias, MakesEqualWhatMeansTheSamePlace) {
    const auto object = assemble("cmpl $1, foo+8(%rip)\n lea foo+8(%rip), %rax\n");
    const elf::Section& section = *object.find_section(".text");
    for (const auto& relocation : section.rela()) {
        EXPECT_EQ(relocation.addend + x86().addend_bias(section, whole(section), relocation), 8);
    }
}

TEST(AddendBias, IsZeroForAbsoluteFields) {
    const auto object = assemble("mov $foo, %rdi\n mov table(,%rax,8), %rcx\n movabs $foo, %rax\n");
    EXPECT_THAT(biases(object, ".text"), ElementsAre(0, 0, 0));
}

TEST(AddendBias, IsZeroForFieldsThatCountFromThemselves) {
    const auto object = assemble(".text\n mov $foo - ., %eax\n .section .tab,\"a\"\n .long foo - .\n .quad foo - .\n");
    EXPECT_THAT(biases(object, ".tab"), ElementsAre(0, 0));
    EXPECT_THAT(biases(object, ".text"), ElementsAre(0));
}

TEST(AddendBias, OfTheGotFamilyIsThatOfTheOperand) {
    EXPECT_THAT(biases(assemble("mov foo@GOTPCREL(%rip), %rax\n"), ".text"), ElementsAre(4));
}

TEST(AddendBias, IsTakenInTheGivenFunction) {
    // The first function ends with bytes that, decoded on, would swallow the start of the second.
    const auto object = assemble(".byte 0xe8\n second: call foo\n");
    const elf::Section& section = *object.find_section(".text");
    EXPECT_EQ(x86().addend_bias(section, {1, 6}, section.rela()[0]), 4);
    EXPECT_THROW(x86().addend_bias(section, whole(section), section.rela()[0]), Error);
    EXPECT_THROW(x86().addend_bias(section, {0, 1}, section.rela()[0]), Error);
    EXPECT_THROW(x86().addend_bias(section, {1, 100}, section.rela()[0]), Error);
}

TEST(AddendBias, SeesBytesThatWereEdited) {
    auto object = assemble("cmpl $1, foo(%rip)\n");
    elf::Section& section = *object.find_section(".text");
    EXPECT_EQ(x86().addend_bias(section, whole(section), section.rela()[0]), 5);
    section.edit()[0] = std::byte{0x3b};  // cmp foo(%rip), %edi, with a byte left over
    section.edit()[6] = std::byte{0x90};
    EXPECT_EQ(x86().addend_bias(section, whole(section), section.rela()[0]), 4);
}

TEST(IsBranch, TellsCallsFromAddresses) {
    const auto object = assemble(
        "call foo\n jne foo\n jmp .Lhere\n lea foo(%rip), %rax\n mov $foo, %rdi\n.section b,\"ax\"\n.Lhere: nop\n");
    const elf::Section& section = *object.find_section(".text");
    std::vector<elf::Relocation> relocations(section.rela().begin(), section.rela().end());
    std::ranges::sort(relocations, {}, &elf::Relocation::offset);
    std::vector<bool> result;
    for (const auto& each : relocations) result.push_back(x86().is_branch(section, whole(section), each));
    EXPECT_THAT(result, ElementsAre(true, true, true, false, false));
}

TEST(IsCall, TellsCallsFromJumps) {
    const auto object = assemble("call foo\n jne foo\n jmp foo\n");
    const elf::Section& section = *object.find_section(".text");
    std::vector<elf::Relocation> relocations(section.rela().begin(), section.rela().end());
    std::ranges::sort(relocations, {}, &elf::Relocation::offset);
    std::vector<bool> result;
    for (const auto& each : relocations) result.push_back(x86().is_call(section, whole(section), each));
    EXPECT_THAT(result, ElementsAre(true, false, false));
}

std::vector<Use> uses(std::string_view text) {
    const auto object = assemble(text);
    const elf::Section& section = *object.find_section(".text");
    std::vector<Use> result;
    for (const auto& each : section.rela()) result.push_back(x86().use_of(section, whole(section), each));
    return result;
}

TEST(UseOf, TellsAccessesFromAddresses) {
    EXPECT_THAT(uses("mov foo(%rip), %eax\n mov foo(,%rax,8), %rdi\n cmpl $1, foo(%rip)\n call *foo(,%rax,8)\n"),
                ElementsAre(Use::read, Use::read, Use::read, Use::read));
    EXPECT_THAT(uses("mov %eax, foo(%rip)\n incl foo(%rip)\n movl $1, foo(%rip)\n"),
                ElementsAre(Use::write, Use::write, Use::write));
    EXPECT_THAT(uses("lea foo(%rip), %rax\n mov $foo, %rdi\n movabs $foo, %rdi\n cmp $foo, %rax\n cmpq $foo, 8(%rbx)\n"
                     "mov foo@GOTPCREL(%rip), %rax\n"),
                testing::Each(Use::address));
    EXPECT_THAT(uses("movq $foo, 8(%rbx)\n push $foo\n"), ElementsAre(Use::stored, Use::stored));
    EXPECT_THAT(uses("call foo\n jne foo\n"), ElementsAre(Use::branch, Use::branch));
}

TEST(UseOf, IsAddressInData) {
    const auto object = assemble(".data\n .quad foo\n");
    const elf::Section& section = *object.find_section(".data");
    EXPECT_EQ(x86().use_of(section, whole(section), section.rela()[0]), Use::address);
}

TEST(InnerBranches, AreThoseInsideOfTheFunction) {
    const auto object = assemble("1: nop\n jne 1b\n jmp 2f\n call foo\n 2: ret\n jmp 1b\n");
    std::vector<std::pair<std::uint64_t, std::uint64_t>> result;
    for (const InnerBranch& each : x86().inner_branches(*object.find_section(".text"), {0, 11}))
        result.emplace_back(each.from, each.to);
    EXPECT_THAT(result, ElementsAre(std::pair(1, 0), std::pair(3, 10)));
}

// The offset of the call and the position, of the first relocation; -1 where there is none.
std::pair<int, int> argument(std::string_view text) {
    const auto object = assemble(text);
    const elf::Section& section = *object.find_section(".text");
    const auto found = x86().argument_of(section, whole(section), section.rela()[0]);
    return found ? std::pair(static_cast<int>(found->call), static_cast<int>(found->position)) : std::pair(-1, -1);
}

TEST(ArgumentOf, IsTheNextCallThatGetsTheAddress) {
    EXPECT_EQ(argument("mov $foo, %rdi\n call bar\n"), std::pair(8, 0));
    EXPECT_EQ(argument("mov $foo, %r8\n xor %edi, %edi\n call bar\n"), std::pair(10, 4));
    EXPECT_EQ(argument("lea foo(%rip), %rsi\n jmp bar\n"), std::pair(8, 1));
}

TEST(ArgumentOf, IsNoneWhereTheAddressGoesElsewhereToo) {
    for (const char* text :
         {"mov $foo, %rdi\n mov %rdi, (%rax)\n call bar\n", "mov $foo, %rdi\n mov (%rdi), %eax\n call bar\n",
          "mov $foo, %rdi\n mov %edi, %eax\n call bar\n", "mov $foo, %rdi\n jne 1f\n call bar\n 1: ret\n",
          "mov $foo, %rdi\n call *%rax\n", "mov $foo, %rdi\n ret\n", "mov $foo, %rdi\n rep movsb\n call bar\n",
          "mov $foo, %rbx\n call bar\n", "cmp $foo, %rdi\n call bar\n", "mov $foo, %rdi\n xor %edi, %edi\n call bar\n",
          "movq $foo, (%rdi)\n call bar\n", "mov $foo, %rdi\n"})
        EXPECT_EQ(argument(text), std::pair(-1, -1)) << text;
}

TEST(InstructionStarts, AreAscendingOffsetsInTheSection) {
    const auto object = assemble("nop\n f: push %rbp\n mov %rsp, %rbp\n endbr64\n ud2\n int3\n");
    EXPECT_THAT(x86().instruction_starts(*object.find_section(".text"), {1, 12}), ElementsAre(1, 2, 5, 9, 11));
}

TEST(InstructionStarts, RefuseWhatIsNoCode) {
    const auto object = assemble("nop\n .byte 0x06\n");
    try {
        static_cast<void>(x86().instruction_starts(*object.find_section(".text"), {0, 2}));
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("(.text+0x1): not an x86-64 instruction: byte 0x06"));
    }
}

// arch/x86/include/asm/special_insns.h: lkgs() of Linux 7.x; the return instructions of FRED; wrmsrns. Neither
// assemblers nor Zydis have to know them.
TEST(InstructionStarts, KnowTheFormOfNewSystemInstructions) {
    const std::pair<const char*, std::size_t> cases[] = {
        {"0xf2, 0x0f, 0x00, 0xf7", 4},                          // lkgs %edi
        {"0xf2, 0x41, 0x0f, 0x00, 0xf0", 5},                    // lkgs %r8d
        {"0xf2, 0x0f, 0x00, 0x74, 0x24, 0x08", 6},              // lkgs 8(%rsp)
        {"0xf2, 0x0f, 0x00, 0x35, 0x00, 0x00, 0x00, 0x00", 8},  // lkgs 0(%rip)
        {"0xf2, 0x0f, 0x01, 0xca", 4},                          // erets
        {"0xf3, 0x0f, 0x01, 0xca", 4},                          // eretu
        {"0x0f, 0x01, 0xc6", 3},                                // wrmsrns
    };
    for (const auto& [bytes, length] : cases) {
        const auto object = assemble(std::string("nop\n .byte ") + bytes + "\n ret\n");
        EXPECT_THAT(x86().instruction_starts(*object.find_section(".text"), {0, length + 2}),
                    ElementsAre(0, 1, length + 1))
            << bytes;
        const auto cut = assemble(std::string("nop\n .byte ") + bytes + "\n");
        EXPECT_THROW((void)x86().instruction_starts(*cut.find_section(".text"), {0, length}), Error) << bytes;
    }
    const auto field = assemble(".byte 0xf2, 0x0f, 0x00, 0x35\n .long foo - . - 4\n");
    const auto& relocation = field.find_section(".text")->rela().front();
    EXPECT_EQ(x86().addend_bias(*field.find_section(".text"), {0, 8}, relocation), 4);
}

TEST(ImplicitReferences, AreBranchesOutOfTheFunction) {
    const auto object = assemble(R"(
        before: nop
        f: jmp before
           je 1f
        1: call after
           .byte 0xe9
           .long after - 1f + 1
        1: lea after(%rip), %rax
           call elsewhere
        end_of_f:
        after: nop
    )");
    const elf::Section& section = *object.find_section(".text");
    const auto found = x86().implicit_references(section, {1, section.size() - 1});
    ASSERT_EQ(found.size(), 4U);
    EXPECT_EQ(found[0].target, 0U);
    EXPECT_EQ(found[0].size, 1);
    EXPECT_EQ(found[0].field, 2U);
    EXPECT_EQ(found[0].addend, -1);
    EXPECT_EQ(found[0].relocation_type, static_cast<std::uint32_t>(R_X86_64_PC8));
    EXPECT_EQ(found[1].target, section.size() - 1);
    EXPECT_EQ(found[1].relocation_type, static_cast<std::uint32_t>(R_X86_64_PLT32));
    EXPECT_EQ(found[1].addend, -4);
    EXPECT_EQ(found[2].target, section.size());
    EXPECT_EQ(found[3].target, section.size() - 1);
    EXPECT_EQ(found[3].relocation_type, static_cast<std::uint32_t>(R_X86_64_PC32));
}

TEST(ImplicitReferences, MustStayInTheSection) {
    const auto object = assemble(".byte 0xeb, 0x40\n");
    EXPECT_THROW(static_cast<void>(x86().implicit_references(*object.find_section(".text"), {0, 2})), Error);
    const auto backwards = assemble(".byte 0xeb, 0x80\n");
    EXPECT_THROW(static_cast<void>(x86().implicit_references(*backwards.find_section(".text"), {0, 2})), Error);
}

bool is_traceable(std::string_view text, std::string_view function = "f") {
    const auto object = assemble(text);
    return x86().is_traceable(object, *object.find_symbol(function));
}

TEST(Traceable, IsAFunctionWhoseEntryCallIsListed) {
    EXPECT_TRUE(is_traceable("f: call __fentry__\n ret\n .section __mcount_loc,\"a\"\n .quad f\n"));
    EXPECT_TRUE(is_traceable("f: endbr64\n 1: call __fentry__\n ret\n .section __mcount_loc,\"a\"\n .quad 1b\n"));
    EXPECT_TRUE(is_traceable("f: .byte 0x0f,0x1f,0x44,0,0\n ret\n .section __mcount_loc,\"a\"\n .quad f\n"));
}

TEST(Traceable, IsAlsoAFunctionInASharedSection) {
    constexpr std::string_view text = R"(
        .section .sched.text,"ax"
        g: ret
        .globl f
        f: call __fentry__
        ret
        .section __mcount_loc,"a"
        .quad f
    )";
    EXPECT_TRUE(is_traceable(text));
    EXPECT_FALSE(is_traceable(text, "g"));
}

TEST(Traceable, IsNoFunctionWithoutCallOrWithoutListing) {
    EXPECT_FALSE(is_traceable("f: ret\n .section __mcount_loc,\"a\"\n .quad f\n"));
    EXPECT_FALSE(is_traceable("f: call __fentry__\n ret\n"));
    EXPECT_FALSE(is_traceable("f: call other\n ret\n .section __mcount_loc,\"a\"\n .quad f\n"));
    EXPECT_FALSE(is_traceable("f: call __fentry__\n ret\n .section __mcount_loc,\"a\"\n .quad f + 1\n"));
    EXPECT_FALSE(is_traceable(".data\n f: .quad 0\n"));
}

// Position, value and offset of the call, of what the first instruction loads; "" where that is not told.
std::string constant_argument(std::string_view text) {
    const auto object = assemble(text);
    const elf::Section& section = *object.find_section(".text");
    const auto found = x86().constant_argument(section, whole(section), 0);
    return found ? fmt::format("{}: {} at {}", found->argument.position, found->value, found->argument.call) : "";
}

TEST(ConstantArgument, IsOfTheNextCallAlone) {
    EXPECT_EQ(constant_argument("mov $77, %esi\n mov $foo, %rdi\n call bar\n"), "1: 77 at 13");
    EXPECT_EQ(constant_argument("mov $77, %edx\n call bar\n"), "2: 77 at 6");
    EXPECT_EQ(constant_argument("mov $77, %esi\n add $1, %esi\n call bar\n"), "");
    EXPECT_EQ(constant_argument("mov $77, %esi\n mov %esi, %ecx\n call bar\n"), "");
    EXPECT_EQ(constant_argument("mov $77, %esi\n jne 1f\n call bar\n 1: ret\n"), "");
    EXPECT_EQ(constant_argument("mov $77, %ebx\n call bar\n"), "");
    EXPECT_EQ(constant_argument("add $77, %esi\n call bar\n"), "");
    EXPECT_EQ(constant_argument("mov %eax, %esi\n call bar\n"), "");
    EXPECT_EQ(constant_argument("mov $77, %esi\n call *%rax\n"), "");
    EXPECT_EQ(constant_argument("mov $77, %esi\n ret\n"), "");
}

TEST(EntryCall, IsToldByItsRelocation) {
    const auto entry_call = [](std::string_view text) {
        const auto object = assemble(text);
        return x86().entry_call(*object.find_symbol("f"));
    };
    EXPECT_EQ(entry_call("f: call __fentry__\n ret\n"), 0);
    EXPECT_EQ(entry_call("nop\n f: endbr64\n call __fentry__\n ret\n"), 5);
    EXPECT_EQ(entry_call("f: .byte 0x0f,0x1f,0x44,0,0\n .reloc f+1,R_X86_64_NONE,__fentry__-4\n ret\n"), 0);
    EXPECT_EQ(entry_call("f: .byte 0x0f,0x1f,0x44,0,0\n ret\n"), std::nullopt);
    EXPECT_EQ(entry_call("f: call other\n ret\n"), std::nullopt);
    EXPECT_EQ(entry_call("f: nop\n call __fentry__\n ret\n"), std::nullopt);
    EXPECT_EQ(entry_call(".data\n f: .quad 0\n"), std::nullopt);
}

TEST(SpecialSections, HaveAnOwnerInsideTheirEntries) {
    for (const SpecialSection& section : x86().special_sections()) {
        SCOPED_TRACE(section.name);
        EXPECT_EQ(x86().special_section(section.name), &section);
        EXPECT_FALSE(section.entry_size.bytes == 0 && section.entry_size.expression.empty());
        EXPECT_EQ(section.entry_size.expression.empty(), section.entry_size.header.empty());
        EXPECT_FALSE(section.layouts.empty());
        for (const EntryLayout& layout : section.layouts) {
            EXPECT_LE(section.owner_field + 4, layout.bytes);
            EXPECT_EQ(section.key.exists(), layout.key != 0);
            EXPECT_LE(layout.key + 4, layout.bytes);
            EXPECT_LE(layout.ignored.end, layout.bytes);
            EXPECT_LT(layout.replacement.length, layout.bytes);
            EXPECT_EQ(layout.fields.size(), (layout.bytes + 3) / 4);
        }
    }
    EXPECT_EQ(x86().special_section(".data"), nullptr);
}

TEST(Sections, OfReplacementCodeAndForDiscarding) {
    EXPECT_TRUE(x86().is_code_pool(".altinstr_replacement"));
    EXPECT_FALSE(x86().is_code_pool(".text"));
    EXPECT_TRUE(is_discarded_section(".discard.addressable"));
    EXPECT_FALSE(is_discarded_section(".discarded"));
}

}  // namespace
}  // namespace klp::arch::x86_64_code_test
