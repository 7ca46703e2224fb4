// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/registry.hpp"
#include "foreign_code.hpp"

namespace klp::arch::s390x_code_test {
namespace {

using testing::ElementsAre;

class S390xCode : public ForeignCode {
protected:
    S390xCode() : ForeignCode("s390x", {"-march=z13"}) {}
};

TEST_F(S390xCode, IsBigEndian) {
    EXPECT_EQ(&for_object(assemble("nopr\n")), &arch);
    EXPECT_THROW(static_cast<void>(for_object(elf::Object(EM_S390, ByteOrder::little))), Error);
}

TEST_F(S390xCode, OperandsCountFromTheInstruction) {
    const auto object = assemble(
        "nopr\n brasl %r14,foo@PLT\n larl %r1,foo+8\n jg foo\n j foo\n lgrl %r1,foo@GOTENT\n cgrje %r1,%r2,foo\n");
    EXPECT_THAT(biases(object), ElementsAre(-2, -2, -2, -2, -2, -2));
    EXPECT_EQ(section_of(object).rela()[1].addend - 2, 8);
    EXPECT_THAT(branches(object), ElementsAre(true, false, true, true, false, true));
}

TEST_F(S390xCode, FieldsOfTablesCountFromThemselves) {
    const auto object = assemble(".text\n .long foo - .\n .quad foo\n .section .tab,\"a\"\n .long foo - .\n");
    EXPECT_THAT(biases(object), ElementsAre(0, 0));
    EXPECT_THAT(biases(object, ".tab"), ElementsAre(0));
}

TEST_F(S390xCode, AnOperandIsAtItsPlaceInAnInstruction) {
    const auto object = assemble("larl %r1,foo\n");
    const elf::Section& section = section_of(object);
    EXPECT_THROW(static_cast<void>(arch.addend_bias(section, {2, 6}, section.rela()[0])), Error);
    EXPECT_THROW(static_cast<void>(arch.addend_bias(section, {0, 2}, section.rela()[0])), Error);
}

TEST_F(S390xCode, InstructionsHaveTwoFourOrSixBytes) {
    const auto object = assemble("nopr\n lhi %r1,0\n larl %r1,foo\n br %r14\n");
    EXPECT_THAT(arch.instruction_starts(section_of(object), {0, 14}), ElementsAre(0, 2, 6, 12));
    EXPECT_THROW(static_cast<void>(arch.instruction_starts(section_of(object), {0, 4})), Error);
}

TEST_F(S390xCode, ResolvedOperandsOutOfAFunction) {
    const auto object = assemble(R"(
        before: nopr
        f: j before
           jg after
           brasl %r14, before
           larl %r1, after
           lrl %r1, before
           exrl %r1, before
           cgije %r1, 0, after
           clrjh %r1, %r2, after
           brxh %r1, %r2, after
           brctg %r1, after
        1: brct %r1, 1b
           brasl %r14, elsewhere
           .size f, .-f
        after: nopr
    )");
    EXPECT_THAT(references(object, range_of(object, "f")),
                ElementsAre("0x4+2 0x0 R_390_PC16DBL+2", "0x8+4 0x42 R_390_PLT32DBL+2", "0xe+4 0x0 R_390_PLT32DBL+2",
                            "0x14+4 0x42 R_390_PC32DBL+2", "0x1a+4 0x0 R_390_PC32DBL+2", "0x20+4 0x0 R_390_PC32DBL+2",
                            "0x26+2 0x42 R_390_PC16DBL+2", "0x2c+2 0x42 R_390_PC16DBL+2", "0x32+2 0x42 R_390_PC16DBL+2",
                            "0x36+2 0x42 R_390_PC16DBL+2"));
}

TEST_F(S390xCode, WhatRelocationsWriteToIsNoResolvedOperand) {
    const auto object = assemble(R"(
        f: .reloc .+2, R_390_PLT32DBL, elsewhere+2
           .byte 0xc0, 0xe5  # brasl %r14,.+16
           .long 8
           br %r14
           .size f, .-f
           .skip 16
    )");
    EXPECT_THAT(references(object, range_of(object, "f")), testing::IsEmpty());
}

TEST_F(S390xCode, ResolvedOperandsStayInTheSection) {
    EXPECT_THROW(static_cast<void>(references(assemble("j .+8\n"), {0, 4})), Error);
    EXPECT_THROW(static_cast<void>(references(assemble("larl %r1,.-4\n"), {0, 6})), Error);
}

TEST_F(S390xCode, SameBranches) {
    EXPECT_TRUE(same_branch("je .+8", "jge .+64"));
    EXPECT_TRUE(same_branch("bras %r14,.+8", "brasl %r14,.+8"));
    EXPECT_TRUE(same_branch("cgrje %r1,%r2,.+8", "cgrje %r1,%r2,.+16"));
    EXPECT_FALSE(same_branch("je .+8", "jne .+8"));
    EXPECT_FALSE(same_branch("bras %r14,.+8", "brasl %r13,.+8"));
    EXPECT_FALSE(same_branch("cgrje %r1,%r2,.+8", "cgrje %r1,%r3,.+8"));
    EXPECT_FALSE(same_branch("cgrje %r1,%r2,.+8", "clgrje %r1,%r2,.+8"));
    EXPECT_FALSE(same_branch("larl %r1,.+8", "larl %r1,.+8"));
    EXPECT_FALSE(same_branch("brct %r4,.+8", "je .+8"));
}

TEST_F(S390xCode, Padding) {
    EXPECT_TRUE(is_padding("nopr %r7\n .short 0x0700\n nopr\n"));
    EXPECT_TRUE(is_padding(".zero 3\n .byte 7,7\n"));
    EXPECT_FALSE(is_padding("nopr\n br %r14\n"));
    EXPECT_FALSE(is_padding("nopr\n .short 1\n"));
    EXPECT_FALSE(is_padding(".byte 1\n"));
}

TEST_F(S390xCode, EntryNopsAreListed) {
    const std::string start = ".type f,@function\n f: ", list = "\n .section __mcount_loc,\"a\"\n .quad f\n";
    EXPECT_TRUE(is_traceable(start + "jgnop .\n" + list));
    EXPECT_TRUE(is_traceable(start + "brasl %r0,__fentry__\n" + list));
    EXPECT_FALSE(is_traceable(start + "jgnop .\n"));
    EXPECT_FALSE(is_traceable(start + "brasl %r0,other\n" + list));
    EXPECT_FALSE(is_traceable(start + "nopr\n jgnop .\n" + list));
    EXPECT_FALSE(is_traceable(start + "jge .\n" + list));
    EXPECT_FALSE(is_traceable(start + "nop\n" + list));
}

TEST_F(S390xCode, TargetsOfFields) {
    EXPECT_EQ(target(R_390_PC32DBL, ".long 0x800", 0x100002, 2), 0x101000U);
    EXPECT_EQ(target(R_390_PLT32DBL, ".long -1", 0x100002, 2), 0xffffeU);
    EXPECT_EQ(target(R_390_PC16DBL, ".short -1", 0x100002, 2), 0xffffeU);
    EXPECT_EQ(target(R_390_PC32, ".long -4", 0x1000, 0), 0xffcU);
    EXPECT_EQ(target(R_390_64, ".quad 0x123", 0, 3), 0x120U);
    EXPECT_EQ(target(R_390_12, ".short 0xf123", 0, 3), 0x120U);
    EXPECT_EQ(target(R_390_GOTENT, ".long 4", 0, 2), std::nullopt);
    EXPECT_EQ(target(R_390_PC32DBL, ".short 1", 0, 0), std::nullopt);
}

TEST_F(S390xCode, RelocationLeavesTheBaseRegisterAlone) {
    std::vector<std::byte> field(2, std::byte{0xff});
    arch.clear_field(*arch.relocation_info(R_390_12), field);
    EXPECT_THAT(field, ElementsAre(std::byte{0xf0}, std::byte{0x00}));
}

TEST_F(S390xCode, TellsAccessesFromAddresses) {
    EXPECT_THAT(
        uses("larl %r1,foo\n lgrl %r1,foo\n strl %r1,foo\n sthrl %r1,foo\n stgrl %r1,foo\n crl %r1,foo\n"
             "lgrl %r1,foo@GOTENT\n brasl %r14,foo\n"),
        ElementsAre(Use::address, Use::read, Use::write, Use::write, Use::write, Use::read, Use::address, Use::branch));
}

TEST_F(S390xCode, AConstantIsAnArgumentOfTheNextCallAlone) {
    const auto argument = [&](const std::string& text) -> std::string {
        const auto object = assemble(text);
        const elf::Section& section = *object.find_section(".text");
        const auto found = arch.constant_argument(section, {0, section.size()}, 0);
        return found ? fmt::format("{}: {} at {}", found->argument.position, found->value, found->argument.call) : "";
    };
    EXPECT_EQ(argument("lghi %r3,77\n larl %r2,foo\n brasl %r14,bar\n"), "1: 77 at 12");
    EXPECT_EQ(argument("lghi %r3,77\n lgr %r4,%r3\n brasl %r14,bar\n"), "");
    EXPECT_EQ(argument("lghi %r3,77\n j 1f\n 1: brasl %r14,bar\n"), "");
    EXPECT_EQ(argument("aghi %r3,77\n brasl %r14,bar\n"), "");
}

TEST_F(S390xCode, HasBranchesInside) {
    EXPECT_THAT(inner_branches("1: nopr\n jne 1b\n j 2f\n brasl %r14,foo\n 2: br %r14\n"),
                ElementsAre(std::pair(2, 0), std::pair(6, 16)));
}

}  // namespace
}  // namespace klp::arch::s390x_code_test
