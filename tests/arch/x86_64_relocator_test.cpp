// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "arch/code_rewrites.hpp"
#include "arch/s390x/features.hpp"
#include "arch/x86_64/features.hpp"
#include "test_module.hpp"

namespace klp::arch::x86_64_relocator_test {
namespace {

using test::message_of;
using TestModule = test::TestModule<x86_64::Features>;

constexpr std::uint64_t text = 0xffffffffc0000000;

// One relocation at offset 2 of a section of twelve bytes.
class X86Relocation : public testing::Test {
protected:
    Outcome relocate(std::uint32_t type, std::uint64_t S, std::int64_t A, std::string_view content = zeros) {
        section_ = module_.add_code(".text", text, content);
        rela_ = module_.add_relocations(section_, {{2, type, module_.add_symbol("foo", S), A}});
        return module_.apply(rela_);
    }
    [[nodiscard]] std::string content() const { return module_.content(section_); }

    static constexpr std::string_view zeros = "000000000000000000000000";
    TestModule module_{EM_X86_64, ByteOrder::little};
    std::uint32_t section_ = 0, rela_ = 0;
};

TEST_F(X86Relocation, NoneWritesNothing) {
    const Outcome outcome = relocate(R_X86_64_NONE, 0x1234, 0, "ffffffffffffffffffffffff");
    EXPECT_TRUE(outcome.writes.empty());
    EXPECT_FALSE(outcome.refusal);
}

TEST_F(X86Relocation, AbsoluteFieldsHoldTheSum) {
    const Outcome outcome = relocate(R_X86_64_64, 0xffffffff81000000, 0x10);
    EXPECT_EQ(content(),
              "00001000"
              "0081ffff"
              "ffff0000");
    ASSERT_EQ(outcome.writes.size(), 1U);
    EXPECT_EQ(outcome.writes[0].section, section_);
    EXPECT_EQ(outcome.writes[0].offset, 2U);
    EXPECT_EQ(test::to_hex(outcome.writes[0].before), "0000000000000000");
    EXPECT_EQ(test::to_hex(outcome.writes[0].after), "10000081ffffffff");
    EXPECT_FALSE(outcome.writes[0].by_text_patching);
}

TEST_F(X86Relocation, PcRelativeFieldsCountFromTheField) {
    relocate(R_X86_64_PLT32, text + 0x106, -4);
    EXPECT_EQ(content(), "000000010000000000000000");
    relocate(R_X86_64_PC32, text - 0x100, -4);
    EXPECT_EQ(content(), "0000fafeffff000000000000");
    relocate(R_X86_64_PC64, text - 0x100, 0x10);
    EXPECT_EQ(content(), "00000effffffffffffff0000");
}

TEST_F(X86Relocation, NothingBesideTheFieldMatters) {
    for (const std::uint32_t type : {R_X86_64_32, R_X86_64_32S, R_X86_64_PC32, R_X86_64_PLT32}) {
        EXPECT_FALSE(
            relocate(type, type == R_X86_64_PC32 || type == R_X86_64_PLT32 ? text + 3 : 1, 0, "ffff00000000ffff")
                .refusal);
        EXPECT_EQ(content(), "ffff01000000ffff");
    }
    for (const std::uint32_t type : {R_X86_64_64, R_X86_64_PC64}) {
        EXPECT_FALSE(relocate(type, type == R_X86_64_PC64 ? text + 3 : 1, 0, "ffff0000000000000000ffff").refusal);
        EXPECT_EQ(content(), "ffff0100000000000000ffff");
    }
}

TEST_F(X86Relocation, PcRelativeFieldsAreCutOffWithoutACheck) {
    const Outcome far = relocate(R_X86_64_PC32, text + 2 + 0x123456789, 0);
    EXPECT_FALSE(far.refusal);
    EXPECT_TRUE(far.writes.at(0).cut_off);
    EXPECT_EQ(content(), "000089674523000000000000");
}

TEST_F(X86Relocation, Unsigned32ReachesFourGiB) {
    EXPECT_FALSE(relocate(R_X86_64_32, 0xfffffffe, 1).refusal);
    EXPECT_EQ(content(), "0000ffffffff000000000000");
    EXPECT_FALSE(relocate(R_X86_64_32, 1, -1).refusal);
    const Outcome outcome = relocate(R_X86_64_32, 0xffffffff, 1);
    EXPECT_EQ(message_of(outcome),
              "module: overflow in relocation type 10 val 100000000\n"
              "module: `m' likely not compiled with -mcmodel=kernel");
    EXPECT_EQ(outcome.refusal->error, ENOEXEC);
    EXPECT_EQ(message_of(relocate(R_X86_64_32, 0, -1)),
              "module: overflow in relocation type 10 val ffffffffffffffff\n"
              "module: `m' likely not compiled with -mcmodel=kernel");
}

TEST_F(X86Relocation, Signed32ReachesTwoGiBBothWays) {
    EXPECT_FALSE(relocate(R_X86_64_32S, 0x7fffffff, 0).refusal);
    EXPECT_FALSE(relocate(R_X86_64_32S, 0xffffffff80000000, 0).refusal);
    EXPECT_EQ(content(), "000000000080000000000000");
    EXPECT_THAT(message_of(relocate(R_X86_64_32S, 0x7fffffff, 1)),
                testing::StartsWith("module: overflow in relocation type 11 val 80000000\n"));
    EXPECT_THAT(message_of(relocate(R_X86_64_32S, 0xffffffff80000000, -1)),
                testing::StartsWith("module: overflow in relocation type 11 val ffffffff7fffffff\n"));
}

TEST_F(X86Relocation, OverflowIsFoundAfterWritingUpTo62) {
    EXPECT_EQ(relocate(R_X86_64_32S, 0x80000000, 0).writes.size(), 1U);
    EXPECT_EQ(content(), "000000000080000000000000");
    EXPECT_THAT(message_of(relocate(R_X86_64_32S, 0x80000000, 0, "000001000000")), testing::HasSubstr("is nonzero"));
}

TEST_F(X86Relocation, OverflowIsFoundFirstSince63) {
    module_.features.clear_relocate_add = true;
    const Outcome outcome = relocate(R_X86_64_32S, 0x80000000, 0, "000001000000");
    EXPECT_TRUE(outcome.writes.empty());
    EXPECT_THAT(message_of(outcome), testing::StartsWith("module: overflow in relocation type 11 val 80000000\n"));
}

TEST_F(X86Relocation, NewestMessagesNameSectionAndIndex) {
    module_.features.clear_relocate_add = module_.features.messages_name_index = true;
    EXPECT_EQ(message_of(relocate(R_X86_64_32S, 0x80000000, 0)),
              "module: overflow in relocation type 11 val 80000000 sec 3 idx 0\n"
              "module: `m' likely not compiled with -mcmodel=kernel");
}

TEST_F(X86Relocation, FieldsMustBeZero) {
    const Outcome outcome = relocate(R_X86_64_64, 0xffffffff81000000, 0, "000000000000000000010000");
    EXPECT_EQ(message_of(outcome),
              "module: x86/modules: Skipping invalid relocation target, existing value is nonzero "
              "for type 1, loc ffffffffc0000002, val ffffffff81000000");
    EXPECT_EQ(outcome.refusal->error, ENOEXEC);
    EXPECT_TRUE(outcome.writes.empty());
}

// Zeroes of the one let the other be written.
TEST_F(X86Relocation, FieldsDoNotOverlap) {
    const auto apply_at = [&](std::uint64_t first, std::uint64_t second, std::uint64_t value) {
        section_ = module_.add_code(".text", text, zeros);
        const auto symbol = module_.add_symbol("foo", value);
        rela_ = module_.add_relocations(section_, {{first, R_X86_64_32, symbol, 0}, {second, R_X86_64_32, symbol, 0}});
        return module_.apply(rela_);
    };
    EXPECT_FALSE(apply_at(0, 4, 0x10).refusal);
    EXPECT_FALSE(apply_at(4, 0, 0x10).refusal);
    EXPECT_THROW(static_cast<void>(apply_at(0, 1, 0x10)), Error);
    EXPECT_THROW(static_cast<void>(apply_at(0, 3, 0x10)), Error);
    EXPECT_THROW(static_cast<void>(apply_at(3, 0, 0x10000000)), Error);
    EXPECT_TRUE(apply_at(3, 0, 0x10).refusal);
}

TEST_F(X86Relocation, TheMessageAboutAPcRelativeFieldChanged) {
    constexpr std::string_view used = "000001000000";
    EXPECT_EQ(message_of(relocate(R_X86_64_PC32, text + 0x100, -4, used)),
              "module: x86/modules: Skipping invalid relocation target, existing value is nonzero for type 2, loc "
              "ffffffffc0000002, val ffffffffc00000fc");
}

TEST_F(X86Relocation, TheMessageAboutAPcRelativeFieldSince63ShowsTheValue) {
    module_.features.clear_relocate_add = true;
    EXPECT_EQ(message_of(relocate(R_X86_64_PC32, text + 0x100, -4, "000001000000")),
              "module: x86/modules: Invalid relocation target, existing value is nonzero for type 2, loc "
              "ffffffffc0000002, val fa");
}

TEST_F(X86Relocation, TheMessageOf7HasThePlainAddress) {
    module_.features.clear_relocate_add = module_.features.messages_name_index = true;
    EXPECT_EQ(message_of(relocate(R_X86_64_PC32, text + 0x100, -4, "000001000000")),
              "module: x86/modules: Invalid relocation target, existing value is nonzero for sec 3, idx 0, type 2, loc "
              "ffffffffc0000002, val fa");
}

TEST_F(X86Relocation, OtherTypesAreUnknown) {
    for (const std::uint32_t type : {R_X86_64_GOTPCREL, R_X86_64_16, R_X86_64_PC16}) {
        EXPECT_EQ(message_of(relocate(type, 0, 0)), fmt::format("module: m: Unknown rela relocation: {}", type));
    }
}

TEST_F(X86Relocation, PlacesOutsideOfTheSectionAreAnError) {
    EXPECT_THROW(relocate(R_X86_64_64, 0, 0, "000000000000000000"), Error);
    EXPECT_THROW(relocate(R_X86_64_32, 0, 0, ""), Error);
}

TEST_F(X86Relocation, ClearingSetsTheFieldToZero) {
    module_.features.clear_relocate_add = true;
    relocate(R_X86_64_PLT32, text + 0x106, -4, "e8e800000000c3");
    const Outcome outcome = module_.relocator().clear(rela_);
    EXPECT_FALSE(outcome.refusal);
    ASSERT_EQ(outcome.writes.size(), 1U);
    EXPECT_TRUE(outcome.writes[0].by_text_patching);
    EXPECT_EQ(content(), "e8e800000000c3");
    EXPECT_FALSE(module_.apply(rela_, ModuleState::live).refusal);
}

TEST_F(X86Relocation, ClearingWantsToFindWhatWasWritten) {
    module_.features.clear_relocate_add = true;
    relocate(R_X86_64_PLT32, text + 0x106, -4);
    module_.image.symbols.back().value += 1;
    EXPECT_EQ(
        message_of(module_.relocator().clear(rela_)),
        "module: x86/modules: Invalid relocation target, existing value does not match expected value for type 4, "
        "loc ffffffffc0000002, val 101");
    EXPECT_EQ(content(), "000000010000000000000000");
}

TEST_F(X86Relocation, WithoutClearingAReloadedTargetIsRefused) {
    relocate(R_X86_64_PLT32, text + 0x106, -4);
    EXPECT_TRUE(module_.relocator().clear(rela_).writes.empty());
    EXPECT_THAT(message_of(module_.apply(rela_, ModuleState::live)), testing::HasSubstr("existing value is nonzero"));
}

TEST(X86Relocations, BeforeTheRefusedOneStayApplied) {
    TestModule module(EM_X86_64, ByteOrder::little);
    const auto section = module.add_code(".text", text, "0000000000000000");
    const auto symbol = module.add_symbol("foo", 0x12345678);
    const auto rela = module.add_relocations(section, {{0, R_X86_64_32, symbol, 0}, {4, 99, symbol, 0}});
    const Outcome outcome = module.apply(rela);
    EXPECT_EQ(module.content(section), "7856341200000000");
    EXPECT_EQ(outcome.refusal->relocation, 1U);
}

TEST(X86Modules, NeedNoPreparation) {
    TestModule module(EM_X86_64, ByteOrder::little);
    const Preparation preparation = module.relocator().prepare();
    EXPECT_TRUE(preparation.changes.empty());
    EXPECT_EQ(preparation.reserved_text, 0U);
    EXPECT_FALSE(preparation.refusal);
    EXPECT_TRUE(module.relocator().finalize().writes.empty());
}

TEST(ModuleRelocators, AreThereForFourMachines) {
    EXPECT_EQ(architectures().size(), 4U);
    EXPECT_THROW(static_cast<void>(for_machine(EM_RISCV, {})), Error);
}

TEST(ModuleRelocators, WantTheFeaturesOfTheirOwnArchitecture) {
    ModuleImage image;
    const s390x::Features features;
    EXPECT_THROW(static_cast<void>(for_name("x86_64").module_loading().relocator(image, features)), Error);
    EXPECT_THROW(static_cast<void>(code_rewrites(for_name("arm64"), image, features)), Error);
}

}  // namespace
}  // namespace klp::arch::x86_64_relocator_test
