// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/registry.hpp"
#include "foreign_code.hpp"

namespace klp::arch::ppc64le_code_test {
namespace {

using testing::ElementsAre;

class Ppc64leCode : public ForeignCode {
protected:
    Ppc64leCode() : ForeignCode("ppc64le", {"-mpower10"}) {}
};

constexpr std::string_view two_entries = R"(
    .abiversion 2
    .type f, @function
f:  addis 2,12,.TOC.-f@ha
    addi 2,2,.TOC.-f@l
    .localentry f, .-f
)";

TEST_F(Ppc64leCode, IsLittleEndianElfv2) {
    EXPECT_EQ(&for_object(assemble(".abiversion 2\n nop\n")), &arch);
    EXPECT_EQ(&for_object(assemble("nop\n")), &arch);
    EXPECT_THROW(static_cast<void>(for_object(assemble(".abiversion 1\n nop\n"))), Error);
    EXPECT_THROW(static_cast<void>(for_object(elf::Object(EM_PPC64, ByteOrder::big, 2))), Error);
}

TEST_F(Ppc64leCode, BranchesMeanTheLocalEntry) {
    const auto object = assemble(std::string(two_entries) + "bl f\n beq f\n bl undefined\n .quad f\n");
    EXPECT_THAT(biases(object), ElementsAre(0, 0, 8, 8, 0, 0));
    EXPECT_THAT(branches(object), ElementsAre(false, false, true, true, true, false));
}

TEST_F(Ppc64leCode, FieldsOfAFeatureFixupCountFromTheEntry) {
    const auto object = assemble(R"(
        1: nop
        2: .section __ftr_fixup,"a"
        .rept 2
        3: .8byte 1, 2, 1b - 3b, 2b - 3b, 1b - 3b, 2b - 3b
        .endr
        .section __lwsync_fixup,"a"
        4: .8byte 1b - 4b
    )");
    EXPECT_THAT(biases(object, "__ftr_fixup"), ElementsAre(-16, -24, -32, -40, -16, -24, -32, -40));
    EXPECT_THAT(biases(object, "__lwsync_fixup"), ElementsAre(0));
    const auto fixups = section_of(object, "__ftr_fixup").rela();
    EXPECT_EQ(fixups[4].addend - 16, 0);  // the code at label 1
    EXPECT_EQ(fixups[5].addend - 24, 4);
}

TEST_F(Ppc64leCode, PrefixedInstructionsHaveEightBytes) {
    const auto object = assemble("nop\n pld 3,0(0),1\n nop\n");
    EXPECT_THAT(arch.instruction_starts(section_of(object), whole(section_of(object))), ElementsAre(0, 4, 12));
    EXPECT_THROW(static_cast<void>(arch.instruction_starts(section_of(object), {0, 8})), Error);
    EXPECT_THROW(static_cast<void>(arch.instruction_starts(section_of(object), {0, 3})), Error);
}

TEST_F(Ppc64leCode, ResolvedBranchesOutOfAFunction) {
    const auto object = assemble(R"(
        before: nop
        f: b before
           bl after
           beq after
        1: bdnz 1b
           ba 0x100
           bl elsewhere
           .size f, .-f
        after: nop
    )");
    EXPECT_THAT(references(object, range_of(object, "f")),
                ElementsAre("0x4+4 0x0 R_PPC64_REL24+0", "0x8+4 0x1c R_PPC64_REL24+0", "0xc+4 0x1c R_PPC64_REL14+0"));
}

TEST_F(Ppc64leCode, ResolvedBranchesStayInTheSection) {
    EXPECT_THROW(static_cast<void>(references(assemble("b .+8\n"), {0, 4})), Error);
    EXPECT_THROW(static_cast<void>(references(assemble("b .-4\n"), {0, 4})), Error);
}

TEST_F(Ppc64leCode, SameBranches) {
    EXPECT_TRUE(same_branch("bl .+8", "bl .-64"));
    EXPECT_TRUE(same_branch("beq .+8", "beq .+12"));
    EXPECT_FALSE(same_branch("bl .+8", "b .+8"));
    EXPECT_FALSE(same_branch("beq .+8", "bne .+8"));
    EXPECT_FALSE(same_branch("nop", "nop"));
}

TEST_F(Ppc64leCode, Padding) {
    EXPECT_TRUE(is_padding("nop\n nop\n ori 2,2,0\n"));
    EXPECT_TRUE(is_padding(".zero 6\n .long 0x60000000\n"));
    EXPECT_TRUE(is_padding("b 1f\n nop\n nop\n 1:\n"));
    EXPECT_TRUE(is_padding(".p2align 2\n nop\n .p2align 7\n"));
    EXPECT_FALSE(is_padding("b 1f\n 1: nop\n"));
    EXPECT_FALSE(is_padding("b .+12\n nop\n"));
    EXPECT_FALSE(is_padding("nop\n blr\n"));
    EXPECT_FALSE(is_padding(".byte 1\n .long 0x60000000\n"));
}

TEST_F(Ppc64leCode, MprofileKernelCallsMcountBehindTheLocalEntry) {
    const std::string entry(two_entries), list = "\n.section __mcount_loc,\"a\"\n .8byte 1b\n";
    EXPECT_TRUE(is_traceable(entry + "mflr 0\n 1: bl _mcount" + list));
    EXPECT_TRUE(is_traceable(entry + "mflr 0\n std 0,16(1)\n 1: bl _mcount" + list));
    EXPECT_TRUE(is_traceable(".type f,@function\n f: mflr 0\n 1: bl _mcount" + list));
    EXPECT_FALSE(is_traceable(entry + "mflr 0\n 1: bl other" + list));
    EXPECT_FALSE(is_traceable(entry + "mflr 0\n 1: bl _mcount"));
    EXPECT_FALSE(is_traceable(entry + "nop\n mflr 0\n 1: bl _mcount" + list));
    EXPECT_FALSE(is_traceable(".type f,@function\n f:\n"));
}

TEST_F(Ppc64leCode, PatchableEntriesAreNopsAtTheLocalEntry) {
    const std::string list = ".section __patchable_function_entries,\"a\"\n .8byte 1b\n";
    EXPECT_TRUE(is_traceable(std::string(two_entries) + "1: nop\n nop\n" + list));
    EXPECT_FALSE(is_traceable(std::string(two_entries) + "nop\n 1: nop\n" + list));
    EXPECT_FALSE(is_traceable(std::string(two_entries) + "1: nop\n nop\n"));
}

TEST_F(Ppc64leCode, TargetsOfFields) {
    EXPECT_EQ(target(R_PPC64_REL24, "bl .+0x1000", 0xc000000000000000, 0), 0xc000000000001000U);
    EXPECT_EQ(target(R_PPC64_REL24, "bl .-8", 0xc000000000000100, 4), 0xc0000000000000f4U);
    EXPECT_EQ(target(R_PPC64_REL14, "bne .-8", 0x1000, 0), 0xff8U);
    EXPECT_EQ(target(R_PPC64_REL32, ".long -4", 0x1000, 0), 0xffcU);
    EXPECT_EQ(target(R_PPC64_ADDR64, ".quad 0x123", 0, 3), 0x120U);
    EXPECT_EQ(target(R_PPC64_TOC16_HA, ".short 1", 0, 0), std::nullopt);
    EXPECT_EQ(target(R_PPC64_REL24, ".short 1", 0, 0), std::nullopt);
}

TEST_F(Ppc64leCode, RelocationLeavesTheInstructionAlone) {
    const auto cleared = [&](std::uint32_t type, std::string_view text) {
        const auto object = assemble(text);
        std::vector<std::byte> field(section_of(object).content().begin(), section_of(object).content().end());
        arch.clear_field(*arch.relocation_info(type), field);
        return load<std::uint32_t>(field, ByteOrder::little);
    };
    EXPECT_EQ(cleared(R_PPC64_REL24, "bl .+0x1000"), 0x48000001U);
    EXPECT_EQ(cleared(R_PPC64_REL14, "beq .+0x1000"), 0x41820000U);
    EXPECT_EQ(cleared(R_PPC64_TOC16_LO_DS, ".long 0xe8627fff"), 0xe8620003U);
    EXPECT_EQ(cleared(R_PPC64_REL32, ".long -1"), 0U);
}

TEST_F(Ppc64leCode, ReplacementsAreNamedAfterTheirLabels) {
    EXPECT_TRUE(arch.is_code_pool("__ftr_alt_97"));
    EXPECT_TRUE(arch.is_code_pool(".fixup"));
    EXPECT_FALSE(arch.is_code_pool(".fixup2"));
    EXPECT_FALSE(arch.is_code_pool("__ftr_fixup"));
}

TEST_F(Ppc64leCode, TellsAccessesFromAddresses) {
    EXPECT_THAT(uses("addis 3,2,foo@toc@ha\n addi 3,3,foo@toc@l\n lwz 4,foo@toc@l(3)\n ld 4,foo@toc@l(3)\n"
                     "stb 4,foo@toc@l(3)\n std 4,foo@toc@l(3)\n lha 4,foo@toc@l(3)\n sth 4,foo@toc@l(3)\n bl foo\n"),
                ElementsAre(Use::part, Use::address, Use::read, Use::read, Use::write, Use::write, Use::read,
                            Use::write, Use::branch));
}

TEST_F(Ppc64leCode, AConstantIsAnArgumentOfTheNextCallAlone) {
    const auto argument = [&](const std::string& text) -> std::string {
        const auto object = assemble(text);
        const elf::Section& section = *object.find_section(".text");
        const auto found = arch.constant_argument(section, {0, section.size()}, 0);
        return found ? fmt::format("{}: {} at {}", found->argument.position, found->value, found->argument.call) : "";
    };
    EXPECT_EQ(argument("li 4,77\n addis 3,2,0\n bl bar\n nop\n"), "1: 77 at 8");
    EXPECT_EQ(argument("li 4,77\n mr 5,4\n bl bar\n nop\n"), "");
    EXPECT_EQ(argument("li 4,77\n b 1f\n 1: bl bar\n nop\n"), "");
    EXPECT_EQ(argument("addi 4,4,77\n bl bar\n nop\n"), "");
}

TEST_F(Ppc64leCode, HasBranchesInside) {
    EXPECT_THAT(inner_branches("1: nop\n bne 1b\n b 2f\n bl foo\n 2: blr\n"),
                ElementsAre(std::pair(4, 0), std::pair(8, 16)));
}

}  // namespace
}  // namespace klp::arch::ppc64le_code_test
