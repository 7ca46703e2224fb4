// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "arch/s390x/features.hpp"
#include "test_module.hpp"

namespace klp::arch::s390x_relocator_test {
namespace {

using test::message_of;
using TestModule = test::TestModule<s390x::Features>;
using test::to_hex;

constexpr std::uint64_t base = 0x3ff80000000;  // of the text area, where the GOT begins
constexpr std::uint64_t text = base + 0x100;
constexpr std::uint64_t far = 0x10000;  // out of reach of a branch

constexpr std::string_view zeros = "0000000000000000";

// One relocation at the start of .text (2), or several.
class S390Relocation : public testing::Test {
protected:
    Outcome relocate(std::uint32_t type, std::uint64_t S, std::int64_t A, std::string_view content = zeros) {
        TestModule& module = start(content);
        rela_ = module.add_relocations(section_, {{0, type, module.add_symbol("foo", S), A}});
        load();
        return module.apply(rela_);
    }
    TestModule& start(std::string_view content) {
        module_ = std::make_unique<TestModule>(EM_S390, ByteOrder::big);
        module_->features = features_;
        section_ = module_->add_code(".text", text, content);
        return *module_;
    }
    void load() {
        const Preparation preparation = module_->relocator().prepare();
        ASSERT_FALSE(preparation.refusal);
        EXPECT_TRUE(preparation.changes.empty());
        reserved_size_ = preparation.reserved_text;
        module_->reserve_text(base, reserved_size_);
    }
    [[nodiscard]] std::string content() const { return module_->content(section_); }
    [[nodiscard]] std::string reserved() const { return to_hex(module_->image.reserved_text); }

    s390x::Features features_;
    std::unique_ptr<TestModule> module_;
    std::uint32_t section_ = 0, rela_ = 0;
    std::uint64_t reserved_size_ = 0;
};

std::string refusal(std::uint32_t type, std::uint64_t value) {
    return fmt::format("module m: relocation error for symbol foo (r_type {}, value 0x{:x})", type, value);
}

struct RangeCase {
    std::uint32_t type;
    bool is_relative;
    std::uint64_t least, greatest;  // values that fit
    std::uint64_t step;             // to the next
    std::string_view least_field, greatest_field;
};

class S390Ranges : public S390Relocation, public testing::WithParamInterface<RangeCase> {};

TEST_P(S390Ranges, EndWhereTheKernelSays) {
    const RangeCase& range = GetParam();
    const std::uint64_t P = range.is_relative ? text : 0;
    EXPECT_EQ(message_of(relocate(range.type, P, static_cast<std::int64_t>(range.least))), "");
    EXPECT_EQ(content(), range.least_field);
    EXPECT_EQ(message_of(relocate(range.type, range.greatest + P, 0)), "");
    EXPECT_EQ(content(), range.greatest_field);
    if (range.greatest + range.step == range.least) return;  // all 64 bits
    const std::uint64_t below = range.least - range.step, above = range.greatest + range.step;
    EXPECT_EQ(message_of(relocate(range.type, P + below, 0)), refusal(range.type, below));
    EXPECT_EQ(message_of(relocate(range.type, P + above, 0)), refusal(range.type, above));
    EXPECT_EQ(content(), zeros);
}

INSTANTIATE_TEST_SUITE_P(
    S390x, S390Ranges,
    testing::Values(
        RangeCase{R_390_8, false, 0, 0xff, 1, zeros, "ff00000000000000"},
        RangeCase{R_390_12, false, 0, 0xfff, 1, zeros, "0fff000000000000"},
        RangeCase{R_390_16, false, 0, 0xffff, 1, zeros, "ffff000000000000"},
        RangeCase{R_390_20, false, -0x80000ULL, 0x7ffff, 1, "0000800000000000", "0fff7f0000000000"},
        RangeCase{R_390_32, false, 0, 0xffffffff, 1, zeros, "ffffffff00000000"},
        RangeCase{R_390_64, false, 0, ~0ULL, 1, zeros, "ffffffffffffffff"},
        RangeCase{R_390_PC16, true, -0x8000ULL, 0x7fff, 1, "8000000000000000", "7fff000000000000"},
        RangeCase{R_390_PC16DBL, true, -0x10000ULL, 0xfffe, 2, "8000000000000000", "7fff000000000000"},
        RangeCase{R_390_PC32, true, -0x80000000ULL, 0x7fffffff, 1, "8000000000000000", "7fffffff00000000"},
        RangeCase{R_390_PC32DBL, true, -0x100000000ULL, 0xfffffffe, 2, "8000000000000000", "7fffffff00000000"},
        RangeCase{R_390_PC64, true, 1ULL << 63, (1ULL << 63) - 1, 1, "8000000000000000", "7fffffffffffffff"}),
    [](const auto& each) { return fmt::format("type{}", each.param.type); });

TEST_F(S390Relocation, HalvedValuesMustBeEven) {
    EXPECT_EQ(message_of(relocate(R_390_PC32DBL, text + 3, 0)), refusal(R_390_PC32DBL, 3));
    EXPECT_EQ(message_of(relocate(R_390_PC16DBL, text + 1, 0)), refusal(R_390_PC16DBL, 1));
}

TEST_F(S390Relocation, AddendsCountInEachType) {
    const auto check = [&](std::uint32_t type, std::uint64_t S) {
        relocate(type, S, 0);
        const std::string expected = content();
        EXPECT_NE(expected, zeros) << type;
        EXPECT_FALSE(relocate(type, S - 0x10, 0x10).refusal) << type;
        EXPECT_EQ(content(), expected) << type;
    };
    for (const std::uint32_t type : {R_390_8, R_390_12, R_390_16, R_390_20, R_390_32, R_390_64}) check(type, 0x56);
    for (const std::uint32_t type : {R_390_PC16, R_390_PC16DBL, R_390_PC32DBL, R_390_PC32, R_390_PC64}) {
        check(type, text + 0x1234);
    }
    for (const std::uint32_t type : {R_390_GOTOFF16, R_390_GOTOFF32, R_390_GOTOFF64}) check(type, base + 0x1234);
}

TEST_F(S390Relocation, NeighbouringBitsAreKept) {
    relocate(R_390_12, 0x123, 0, "f000");
    EXPECT_EQ(content(), "f123");
    relocate(R_390_20, 0x12345, 0, "f0000042");
    EXPECT_EQ(content(), "f3451242");
    relocate(R_390_PC32DBL, text + 0x100, 2, "ffffffffffff");  // whatever was there
    EXPECT_EQ(content(), "00000081ffff");
}

TEST_F(S390Relocation, NoneWritesNothing) {
    EXPECT_TRUE(relocate(R_390_NONE, 1, 1).writes.empty());
    EXPECT_EQ(reserved_size_, 0U);
}

TEST_F(S390Relocation, OtherTypesAreUnknown) {
    EXPECT_EQ(message_of(relocate(R_390_TLS_LOAD, 0, 0)), "module m: unknown relocation: 37");
    const Outcome shared = relocate(R_390_GLOB_DAT, 0, 0);
    ASSERT_TRUE(shared.refusal);
    EXPECT_TRUE(shared.refusal->messages.empty());
    EXPECT_EQ(shared.refusal->error, ENOEXEC);
}

TEST_F(S390Relocation, GotentPointsAtTheSlot) {
    const Outcome outcome = relocate(R_390_GOTENT, 0x123456789a, 2);
    EXPECT_EQ(reserved_size_, 8U);
    EXPECT_EQ(reserved(), "000000123456789a");
    EXPECT_EQ(content(), "ffffff8100000000");  // base + 2 - text, halved
    ASSERT_EQ(outcome.writes.size(), 2U);
    EXPECT_EQ(outcome.writes[0].kind, WriteKind::got_entry);
    EXPECT_FALSE(outcome.writes[0].section);
}

TEST_F(S390Relocation, GotOffsetsCountFromTheGot) {
    const std::vector<std::pair<std::uint32_t, std::string_view>> cases = {
        {R_390_GOT12, "000c000000000000"},    {R_390_GOT16, "000c000000000000"},   {R_390_GOT20, "000c000000000000"},
        {R_390_GOT32, "0000000c00000000"},    {R_390_GOT64, "000000000000000c"},   {R_390_GOTPLT12, "000c000000000000"},
        {R_390_GOTPLT16, "000c000000000000"}, {R_390_GOTPLT32, "0000000c00000000"}};
    for (const auto& [type, expected] : cases) {
        TestModule& module = start("00000000000000000000000000000000");
        const auto first = module.add_symbol("first", 1), second = module.add_symbol("second", 2);
        const auto rela = module.add_relocations(section_, {{8, R_390_GOTENT, first, 0}, {0, type, second, 4}});
        load();
        EXPECT_FALSE(module.apply(rela).refusal);
        EXPECT_EQ(content().substr(0, 16), expected);
        EXPECT_EQ(reserved(),
                  "0000000000000001"
                  "0000000000000002");
    }
    EXPECT_EQ(message_of(relocate(R_390_GOT12, 1, 0xfff)), "");
    EXPECT_EQ(message_of(relocate(R_390_GOT12, 1, 0x1000)), refusal(R_390_GOT12, 0x1000));
}

TEST_F(S390Relocation, AddressesOfTheGot) {
    relocate(R_390_GOTPCDBL, 0, 2);
    EXPECT_EQ(content(), "ffffff8100000000");
    relocate(R_390_GOTPC, 0, 2);
    EXPECT_EQ(content(), "ffffff0200000000");
    relocate(R_390_GOTOFF64, base - 8, 0);
    EXPECT_EQ(content(), "fffffffffffffff8");
    relocate(R_390_GOTOFF16, base + 0xffff, 0);
    EXPECT_EQ(content(), "ffff000000000000");
    EXPECT_EQ(message_of(relocate(R_390_GOTOFF16, base + 0x10000, 0)), refusal(R_390_GOTOFF16, 0x10000));
    EXPECT_EQ(message_of(relocate(R_390_GOTOFF32, base - 1, 0)), refusal(R_390_GOTOFF32, ~0ULL));
}

TEST_F(S390Relocation, FarCallsGoThroughThePlt) {
    // brasl's field is 2 bytes on, and counts from the start of the instruction.
    const Outcome outcome = relocate(R_390_PLT32DBL, far, 2);
    EXPECT_EQ(reserved_size_, 22U);
    EXPECT_EQ(reserved(),
              "0d10"
              "e310100c0004"
              "07f1"
              "00000000"
              "0000000000010000");
    EXPECT_EQ(content(), "ffffff8100000000");
    ASSERT_EQ(outcome.writes.size(), 2U);
    EXPECT_EQ(outcome.writes[0].kind, WriteKind::plt_entry);
    EXPECT_EQ(outcome.writes[0].indeterminate.size(), 0U);
}

TEST_F(S390Relocation, TwoBytesOfAnEntryComeFromTheStack) {
    features_.zeroed_stack = false;
    const Outcome outcome = relocate(R_390_PLT32DBL, far, 2);
    EXPECT_EQ(outcome.writes.at(0).indeterminate.begin, 12U);
    EXPECT_EQ(outcome.writes.at(0).indeterminate.end, 14U);
}

TEST_F(S390Relocation, NearCallsAreDirectButFillTheirEntry) {
    relocate(R_390_PLT32DBL, text + 0x1000, 2);
    EXPECT_EQ(content(), "0000080100000000");
    EXPECT_THAT(reserved(), testing::EndsWith("000003ff80001100"));
}

TEST_F(S390Relocation, DirectCallsHaveTheReachThatTheKernelTestsFor) {
    relocate(R_390_PLT32DBL, text + 0xfffffffe, 0);
    EXPECT_EQ(content(), "7fffffff00000000");
    relocate(R_390_PLT32DBL, text + 0x100000000, 0);
    EXPECT_EQ(content(), "ffffff8000000000");  // the entry
    relocate(R_390_PLT32DBL, text - 0xfffffffe, 0);
    EXPECT_EQ(content(), "8000000100000000");
    relocate(R_390_PLT32DBL, text - 0x100000000, 0);  // would fit, but the kernel does not try
    EXPECT_EQ(content(), "ffffff8000000000");
    relocate(R_390_PLT16DBL, text + 0xfffe, 0);
    EXPECT_EQ(content(), "7fff000000000000");
    // The kernel's test for "near" has one digit too many (0x1ffffe), and takes no entry where it should.
    EXPECT_EQ(message_of(relocate(R_390_PLT16DBL, text + 0x10000, 0)), refusal(R_390_PLT16DBL, 0x10000));
    EXPECT_EQ(message_of(relocate(R_390_PLT16DBL, text + 0x1efffe, 0)), refusal(R_390_PLT16DBL, 0x1efffe));
    relocate(R_390_PLT16DBL, text + 0x1effff, 0);
    EXPECT_EQ(content(), "ff80000000000000");
    relocate(R_390_PLT16DBL, text - 0x10000, 0);
    EXPECT_EQ(content(), "ff80000000000000");
}

TEST_F(S390Relocation, ACallThatLeavesTheReachByItsAddendIsRefused) {
    EXPECT_EQ(message_of(relocate(R_390_PLT32DBL, text + 0xfffffffe, 2)), refusal(R_390_PLT32DBL, 0x100000000));
    EXPECT_NE(reserved(), std::string(44, '0'));  // filled before
}

TEST_F(S390Relocation, OtherPltFields) {
    EXPECT_EQ(message_of(relocate(R_390_PLT32, far, 0)), refusal(R_390_PLT32, base - text));
    relocate(R_390_PLT64, far, 4);
    EXPECT_EQ(content(), "ffffffffffffff04");
    relocate(R_390_PLTOFF16, far, 4);
    EXPECT_EQ(content(), "0004000000000000");
    relocate(R_390_PLTOFF32, far, 4);
    EXPECT_EQ(content(), "0000000400000000");
    relocate(R_390_PLTOFF64, far, 4);
    EXPECT_EQ(content(), "0000000000000004");
}

TEST_F(S390Relocation, ExpolinesBranchThroughAThunk) {
    features_.expoline = true;
    TestModule& module = start(zeros);
    const auto foo = module.add_symbol("foo", far), bar = module.add_symbol("bar", far + 2);
    const auto rela = module.add_relocations(section_, {{0, R_390_PLT32DBL, foo, 0}, {4, R_390_PLT32DBL, bar, 0}});
    load();
    EXPECT_EQ(reserved_size_, 3U * 22);
    EXPECT_FALSE(module.apply(rela).refusal);
    // The thunk is at 44; the branches are at 8 and 30.
    EXPECT_EQ(reserved().substr(0, 44),
              "0d10"
              "e310100c0004"
              "c0f400000012"
              "0000000000010000");
    EXPECT_EQ(reserved().substr(44, 44),
              "0d10"
              "e310100c0004"
              "c0f400000007"
              "0000000000010002");
    const Outcome outcome = module.relocator().finalize();
    EXPECT_EQ(reserved().substr(88),
              "c60000000005"
              "a7f40000"
              "07f1"
              "00000000000000000000");
    EXPECT_EQ(outcome.writes.at(0).kind, WriteKind::trampoline);
}

TEST_F(S390Relocation, ThereIsNoThunkWithoutAPlt) {
    features_.expoline = true;
    relocate(R_390_GOTENT, far, 0);
    EXPECT_EQ(reserved_size_, 8U);
    EXPECT_TRUE(module_->relocator().finalize().writes.empty());
}

TEST_F(S390Relocation, SlotsAreAllottedOnceASymbolGotFirst) {
    TestModule& module = start(zeros);
    const auto foo = module.add_symbol("foo", far), bar = module.add_symbol("bar", far + 2);
    const auto rela = module.add_relocations(section_, {{0, R_390_PLT32DBL, foo, 0}, {0, R_390_GOTENT, bar, 0}});
    const auto klp_rela = module.add_relocations(section_, {{4, R_390_GOTENT, bar, 0}, {4, R_390_GOTENT, foo, 0}});
    load();
    EXPECT_EQ(reserved_size_, 8U + 8 + 22);
    EXPECT_FALSE(module.apply(rela).refusal);
    EXPECT_EQ(reserved().substr(0, 32),
              "0000000000010002"
              "0000000000000000");
    EXPECT_THAT(reserved(), testing::EndsWith("0000000000010000"));
    const Outcome late = module.apply(klp_rela, ModuleState::live);
    ASSERT_EQ(late.writes.size(), 3U);  // bar's slot is filled already
    EXPECT_TRUE(late.writes[1].by_text_patching);
    EXPECT_EQ(reserved().substr(0, 32),
              "0000000000010002"
              "0000000000010000");
}

TEST_F(S390Relocation, SlotsKeepTheFirstAddressOfATargetThatCameBackElsewhere) {
    relocate(R_390_PLT32DBL, far, 2);
    module_->image.symbols.back().value = 0x20000;
    EXPECT_TRUE(module_->relocator().clear(rela_).writes.empty());
    EXPECT_EQ(module_->apply(rela_, ModuleState::live).writes.size(), 1U);
    EXPECT_THAT(reserved(), testing::EndsWith("0000000000010000"));
}

TEST(S390Modules, DefineTheGotSymbol) {
    TestModule module(EM_S390, ByteOrder::big);
    const auto got = module.add_symbol("_GLOBAL_OFFSET_TABLE_", 0);
    const auto other = module.add_symbol("foo", 0), defined = module.add_symbol("_GLOBAL_OFFSET_TABLE_", 0, 2);
    ASSERT_FALSE(module.relocator().prepare().refusal);
    EXPECT_EQ(module.image.symbols[got].section_index, SHN_ABS);
    EXPECT_EQ(module.image.symbols[other].section_index, SHN_UNDEF);
    EXPECT_EQ(module.image.symbols[defined].section_index, 2);
}

TEST(S390Modules, NeedASymbolTable) {
    TestModule module(EM_S390, ByteOrder::big);
    module.image.sections.clear();
    const Preparation preparation = module.relocator().prepare();
    ASSERT_TRUE(preparation.refusal);
    EXPECT_THAT(preparation.refusal->messages, testing::ElementsAre("module m: no symbol table"));
    EXPECT_EQ(preparation.refusal->error, ENOEXEC);
}

TEST(S390Modules, SymbolsThatAreNotThereAreAnError) {
    TestModule module(EM_S390, ByteOrder::big);
    module.add_relocations(module.add_code(".text", text, zeros), {{0, R_390_64, 7, 0}});
    EXPECT_THROW(static_cast<void>(module.relocator().prepare()), Error);
}

}  // namespace
}  // namespace klp::arch::s390x_relocator_test
