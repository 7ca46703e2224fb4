// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/registry.hpp"
#include "foreign_code.hpp"

namespace klp::arch::arm64_code_test {
namespace {

using testing::Each;
using testing::ElementsAre;

class Arm64Code : public ForeignCode {
protected:
    Arm64Code() : ForeignCode("arm64", {"-march=armv8.5-a"}) {}
};

TEST_F(Arm64Code, IsNamedAsTheKernelDoesAndAsUnameDoes) {
    EXPECT_EQ(arch.name(), "arm64");
    EXPECT_EQ(&for_name("aarch64"), &arch);
    EXPECT_EQ(&for_object(assemble("nop\n")), &arch);
    EXPECT_THROW(static_cast<void>(for_object(elf::Object(EM_AARCH64, ByteOrder::big))), Error);
}

TEST_F(Arm64Code, FieldsCountFromTheInstructionItself) {
    const auto object = assemble(
        "bl foo\n b foo\n b.eq foo\n tbz x0,#1,foo\n adrp x0,foo\n add x0,x0,:lo12:foo\n ldr x0,foo\n .quad foo\n");
    EXPECT_THAT(biases(object), Each(0));
    EXPECT_THAT(branches(object), ElementsAre(true, true, true, true, false, false, false, false));
}

TEST_F(Arm64Code, InstructionsAreWords) {
    const auto object = assemble("nop\n ret\n nop\n");
    EXPECT_THAT(arch.instruction_starts(section_of(object), {4, 12}), ElementsAre(4, 8));
    EXPECT_THROW(static_cast<void>(arch.instruction_starts(section_of(object), {0, 6})), Error);
    EXPECT_THROW(static_cast<void>(arch.instruction_starts(section_of(object), {0, 16})), Error);
}

TEST_F(Arm64Code, ResolvedOperandsOutOfAFunction) {
    const auto object = assemble(R"(
        before: nop
        f: b before
           bl after
           b.ne after
           cbz x0, before
           tbnz w0, #3, after
           adr x0, after + 3
           ldr x0, before
           ldr q0, after
           prfm pldl1keep, before
        1: cbnz w1, 1b
           adrp x0, before
           bl elsewhere
           ldr x0, [x1, #8]
           .size f, .-f
        after: nop
    )");
    EXPECT_THAT(
        references(object, range_of(object, "f")),
        ElementsAre("0x4+4 0x0 R_AARCH64_JUMP26+0", "0x8+4 0x38 R_AARCH64_CALL26+0", "0xc+4 0x38 R_AARCH64_CONDBR19+0",
                    "0x10+4 0x0 R_AARCH64_CONDBR19+0", "0x14+4 0x38 R_AARCH64_TSTBR14+0",
                    "0x18+4 0x3b R_AARCH64_ADR_PREL_LO21+0", "0x1c+4 0x0 R_AARCH64_LD_PREL_LO19+0",
                    "0x20+4 0x38 R_AARCH64_LD_PREL_LO19+0", "0x24+4 0x0 R_AARCH64_LD_PREL_LO19+0"));
}

TEST_F(Arm64Code, WhatRelocationsWriteToIsNoResolvedOperand) {
    const auto object = assemble(R"(
        f: .reloc ., R_AARCH64_CALL26, elsewhere
           .inst 0x94000004  // bl .+16
           ret
           .size f, .-f
           .skip 16
    )");
    EXPECT_THAT(references(object, range_of(object, "f")), testing::IsEmpty());
}

TEST_F(Arm64Code, ResolvedOperandsStayInTheSection) {
    EXPECT_THROW(static_cast<void>(references(assemble("b .+8\n"), {0, 4})), Error);
    EXPECT_THROW(static_cast<void>(references(assemble("adr x0,.-4\n"), {0, 4})), Error);
}

TEST_F(Arm64Code, SameBranches) {
    EXPECT_TRUE(same_branch("bl .+8", "bl .-64"));
    EXPECT_TRUE(same_branch("cbz x3,.+8", "cbz x3,.+12"));
    EXPECT_TRUE(same_branch("tbz x3,#40,.+8", "tbz x3,#40,.+12"));
    EXPECT_FALSE(same_branch("bl .+8", "b .+8"));
    EXPECT_FALSE(same_branch("cbz x3,.+8", "cbz x4,.+8"));
    EXPECT_FALSE(same_branch("tbz x3,#40,.+8", "tbz x3,#41,.+8"));
    EXPECT_FALSE(same_branch("b.eq .+8", "b.ne .+8"));
    EXPECT_FALSE(same_branch("adr x0,.+8", "adr x0,.+8"));
}

TEST_F(Arm64Code, Padding) {
    EXPECT_TRUE(is_padding("nop\n .zero 4\n nop\n"));
    EXPECT_TRUE(is_padding(".zero 2\n .inst 0xd503201f\n"));
    EXPECT_FALSE(is_padding("nop\n ret\n"));
    EXPECT_FALSE(is_padding("brk #1\n"));
    EXPECT_FALSE(is_padding(".byte 1\n"));
}

TEST_F(Arm64Code, EntryNopsAreListed) {
    const std::string start = ".type f,@function\n";
    const std::string list = "\n .section __patchable_function_entries,\"aw\"\n .quad 1b\n";
    EXPECT_TRUE(is_traceable(start + "f: 1: nop\n nop\n" + list));
    EXPECT_TRUE(is_traceable(start + "f: bti c\n 1: nop\n nop\n" + list));
    EXPECT_FALSE(is_traceable(start + "f: 1: nop\n nop\n"));
    EXPECT_FALSE(is_traceable(start + "f: 1: nop\n ret\n" + list));
    EXPECT_FALSE(is_traceable(start + "f: nop\n 1: nop\n nop\n" + list));
    EXPECT_FALSE(is_traceable(start + "f:\n"));
}

TEST_F(Arm64Code, CallOpsListTheRoomBeforeTheFunction) {
    const std::string start = ".type f,@function\n";
    const std::string list = "\n .section __patchable_function_entries,\"aw\"\n .quad 1b\n";
    EXPECT_TRUE(is_traceable(start + "1: nop\n nop\n f: nop\n nop\n" + list));
    EXPECT_TRUE(is_traceable(start + "1: nop\n nop\n f: bti c\n nop\n nop\n" + list));
    EXPECT_FALSE(is_traceable(start + "nop\n 1: nop\n nop\n f: nop\n nop\n" + list));  // not aligned
    EXPECT_FALSE(is_traceable(start + "1: nop\n nop\n f: ret\n nop\n" + list));
}

TEST_F(Arm64Code, TargetsOfFields) {
    EXPECT_EQ(target(R_AARCH64_CALL26, "bl .+0x1000", 0xffff800080000000, 0), 0xffff800080001000U);
    EXPECT_EQ(target(R_AARCH64_JUMP26, "b .-8", 0x1000, 4), 0xff4U);
    EXPECT_EQ(target(R_AARCH64_CONDBR19, "b.eq .-8", 0x1000, 0), 0xff8U);
    EXPECT_EQ(target(R_AARCH64_TSTBR14, "tbz x0,#33,.+8", 0x1000, 0), 0x1008U);
    EXPECT_EQ(target(R_AARCH64_ADR_PREL_LO21, "adr x0,.-3", 0x1000, 1), 0xffcU);
    EXPECT_EQ(target(R_AARCH64_PREL32, ".long -4", 0x1000, 0), 0xffcU);
    EXPECT_EQ(target(R_AARCH64_ABS64, ".quad 0x123", 0, 3), 0x120U);
    EXPECT_EQ(target(R_AARCH64_ADR_PREL_PG_HI21, "adrp x0,.", 0, 0), std::nullopt);
    EXPECT_EQ(target(R_AARCH64_ADR_PREL_LO21, ".short 1", 0, 0), std::nullopt);
}

TEST_F(Arm64Code, RelocationLeavesTheInstructionAlone) {
    const auto cleared = [&](std::uint32_t type, std::uint32_t word) {
        std::byte field[4];
        store(MutableBytes(field), word, ByteOrder::little);
        arch.clear_field(*arch.relocation_info(type), field);
        return load<std::uint32_t>(field, ByteOrder::little);
    };
    EXPECT_EQ(cleared(R_AARCH64_CALL26, 0xffffffff), 0xfc000000U);
    EXPECT_EQ(cleared(R_AARCH64_ADR_PREL_PG_HI21, 0xffffffff), 0x9f00001fU);
    EXPECT_EQ(cleared(R_AARCH64_ADD_ABS_LO12_NC, 0xffffffff), 0xffc003ffU);
    EXPECT_EQ(cleared(R_AARCH64_PREL32, 0xffffffff), 0U);
}

TEST_F(Arm64Code, TellsAccessesFromAddresses) {
    EXPECT_THAT(uses("adrp x0, foo\n ldr x1, [x0, :lo12:foo]\n str w1, [x0, :lo12:foo]\n ldrb w1, [x0, :lo12:foo]\n"
                     "str q0, [x0, :lo12:foo]\n ldr q0, [x0, :lo12:foo]\n add x0, x0, :lo12:foo\n adr x0, foo\n"
                     "ldr x0, foo\n ldr x1, [x0, :got_lo12:foo]\n bl foo\n"),
                ElementsAre(Use::part, Use::read, Use::write, Use::read, Use::write, Use::read, Use::address,
                            Use::address, Use::read, Use::address, Use::branch));
}

TEST_F(Arm64Code, AConstantIsAnArgumentOfTheNextCallAlone) {
    const auto argument = [&](const std::string& text) -> std::string {
        const auto object = assemble(text);
        const elf::Section& section = *object.find_section(".text");
        const auto found = arch.constant_argument(section, {0, section.size()}, 0);
        return found ? fmt::format("{}: {} at {}", found->argument.position, found->value, found->argument.call) : "";
    };
    EXPECT_EQ(argument("mov w1,77\n stp x19,x20,[sp,16]\n adrp x0,foo\n bl bar\n"), "1: 77 at 12");
    EXPECT_EQ(argument("mov w1,77\n mov w2,w1\n bl bar\n"), "");
    EXPECT_EQ(argument("mov w1,77\n b 1f\n 1: bl bar\n"), "");
    EXPECT_EQ(argument("movk w1,77\n bl bar\n"), "");
}

TEST_F(Arm64Code, HasBranchesInside) {
    EXPECT_THAT(inner_branches("1: nop\n b.ne 1b\n cbz x0, 2f\n bl foo\n 2: ret\n"),
                ElementsAre(std::pair(4, 0), std::pair(8, 16)));
}

}  // namespace
}  // namespace klp::arch::arm64_code_test
