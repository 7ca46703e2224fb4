// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "arch/arm64/features.hpp"
#include "test_module.hpp"

namespace klp::arch::arm64_relocator_test {
namespace {

using test::message_of;
using TestModule = test::TestModule<arm64::Features>;

constexpr std::uint64_t text = 0xffff800079000000;
constexpr std::uint64_t plt = 0xffff800079004000;
constexpr std::uint64_t init_plt = 0xffff800079008000;
constexpr std::uint64_t kernel = 0xffff800080010238;  // 112 MiB on
constexpr std::uint64_t far_away = 0xffff800091010238;

class Arm64Relocation : public testing::Test {
protected:
    void SetUp() override { start("0000000000000000"); }
    TestModule& start(std::string_view content) {
        module_ = std::make_unique<TestModule>(EM_AARCH64, ByteOrder::little);
        module_->features = features_;
        text_ = module_->add_code(".text", text, content);
        plt_ = module_->add_section({.name = ".plt", .type = SHT_PROGBITS});
        init_plt_ = module_->add_section({.name = ".init.plt", .type = SHT_PROGBITS});
        return *module_;
    }
    void load() {
        ASSERT_FALSE(module_->relocator().prepare().refusal);
        module_->place(plt_, plt_address_);
        module_->place(init_plt_, init_plt);
    }
    Outcome relocate(std::uint32_t type, std::uint64_t S, std::int64_t A, std::string_view content) {
        start(content);
        rela_ = module_->add_relocations(text_, {{0, type, module_->add_symbol("foo", S), A}});
        load();
        return module_->apply(rela_);
    }
    // The instruction that comes of one, as a number.
    std::string instruction(std::uint32_t type, std::uint64_t S, std::int64_t A, std::uint32_t before) {
        std::byte bytes[4];
        store(MutableBytes(bytes), before, ByteOrder::little);
        outcome_ = relocate(type, S, A, test::to_hex(bytes));
        return fmt::format("{:08x}", load_u32(0));
    }
    [[nodiscard]] std::uint32_t load_u32(std::uint64_t offset) const {
        return klp::load<std::uint32_t>(module_->image.sections[text_].memory.subspan(offset), ByteOrder::little);
    }
    [[nodiscard]] std::string content() const { return module_->content(text_); }
    [[nodiscard]] std::string entry(std::size_t index) const { return module_->content(plt_).substr(24 * index, 24); }

    arm64::Features features_;
    std::unique_ptr<TestModule> module_;
    std::uint32_t text_ = 0, plt_ = 0, init_plt_ = 0, rela_ = 0;
    std::uint64_t plt_address_ = plt;
    Outcome outcome_;
};

std::string overflow(std::uint32_t type, std::uint64_t value) {
    return fmt::format("Modules: module m: overflow in relocation type {} val {:x}", type, value);
}

TEST_F(Arm64Relocation, DataFields) {
    relocate(R_AARCH64_ABS64, kernel, 1, "0000000000000000");
    EXPECT_EQ(content(), "390201800080ffff");
    relocate(R_AARCH64_PREL64, text - 2, 1, "0000000000000000");
    EXPECT_EQ(content(), "ffffffffffffffff");
    relocate(R_AARCH64_PREL32, text + 0x10, 0, "ffffffffffff");
    EXPECT_EQ(content(), "10000000ffff");
    EXPECT_TRUE(relocate(R_AARCH64_NONE, 1, 1, "00").writes.empty());
    EXPECT_TRUE(relocate(256, 1, 1, "00").writes.empty());
}

struct DataCase {
    std::uint32_t type;
    bool is_relative;
    std::uint64_t least, greatest;
};

class Arm64Data : public Arm64Relocation, public testing::WithParamInterface<DataCase> {};

TEST_P(Arm64Data, RangesAreSignedForRelativeFieldsOnly) {
    const auto& [type, is_relative, least, greatest] = GetParam();
    const std::uint64_t P = is_relative ? text : 0;
    EXPECT_EQ(message_of(relocate(type, P, static_cast<std::int64_t>(least), "00000000")), "");
    EXPECT_EQ(message_of(relocate(type, P, static_cast<std::int64_t>(greatest), "00000000")), "");
    EXPECT_EQ(message_of(relocate(type, P + least - 1, 0, "00000000")), overflow(type, P + least - 1));
    const Outcome outcome = relocate(type, P + greatest + 1, 0, "ffffffff");
    EXPECT_EQ(message_of(outcome), overflow(type, P + greatest + 1));
    EXPECT_EQ(outcome.refusal->error, ENOEXEC);
    EXPECT_EQ(outcome.writes.size(), 1U);  // written all the same
}

INSTANTIATE_TEST_SUITE_P(Arm64, Arm64Data,
                         testing::Values(DataCase{R_AARCH64_ABS16, false, 0, 0xffff},
                                         DataCase{R_AARCH64_ABS32, false, 0, 0xffffffff},
                                         DataCase{R_AARCH64_PREL16, true, -0x8000ULL, 0x7fff},
                                         DataCase{R_AARCH64_PREL32, true, -0x80000000ULL, 0x7fffffff}),
                         [](const auto& each) { return fmt::format("type{}", each.param.type); });

// A field of an instruction that holds S + A - P.
struct BranchCase {
    std::uint32_t type;
    std::uint64_t reach;  // -reach … reach - step
    std::uint64_t step;
    std::uint32_t before;
    std::string_view least, greatest;
};

class Arm64Branches : public Arm64Relocation, public testing::WithParamInterface<BranchCase> {};

TEST_P(Arm64Branches, HaveTheReachOfTheirField) {
    const auto& [type, reach, step, before, least, greatest] = GetParam();
    EXPECT_EQ(instruction(type, text - reach, 0, before), least);
    EXPECT_FALSE(outcome_.refusal);
    EXPECT_EQ(instruction(type, text + reach, -static_cast<std::int64_t>(step), before), greatest);
    EXPECT_FALSE(outcome_.refusal);
    instruction(type, text - reach - step, 0, before);
    EXPECT_EQ(message_of(outcome_), overflow(type, text - reach - step));
    instruction(type, text + reach, 0, before);
    EXPECT_EQ(message_of(outcome_), overflow(type, text + reach));
}

INSTANTIATE_TEST_SUITE_P(
    Arm64, Arm64Branches,
    testing::Values(BranchCase{R_AARCH64_LD_PREL_LO19, 1 << 20, 4, 0x58000001, "58800001", "587fffe1"},
                    BranchCase{R_AARCH64_CONDBR19, 1 << 20, 4, 0x54000001, "54800001", "547fffe1"},
                    BranchCase{R_AARCH64_TSTBR14, 1 << 15, 4, 0x37180001, "371c0001", "371bffe1"},
                    BranchCase{R_AARCH64_ADR_PREL_LO21, 1 << 20, 1, 0x10000001, "10800001", "707fffe1"}),
    [](const auto& each) { return fmt::format("type{}", each.param.type); });

TEST_F(Arm64Relocation, AdrpCountsPages) {
    // The last byte of a page is as far as the first.
    EXPECT_EQ(instruction(R_AARCH64_ADR_PREL_PG_HI21, text + 0x1fff, 0, 0x90000000), "b0000000");
    EXPECT_EQ(instruction(R_AARCH64_ADR_PREL_PG_HI21, text + 0x4000, 0, 0x90000003), "90000023");
    EXPECT_EQ(instruction(R_AARCH64_ADR_PREL_PG_HI21, text - 1, 0, 0x90000000), "f0ffffe0");
}

TEST_F(Arm64Relocation, AdrpCountsFromTheStartOfItsPage) {
    start("1f2003d51f2003d500000090");
    rela_ =
        module_->add_relocations(text_, {{8, R_AARCH64_ADR_PREL_PG_HI21, module_->add_symbol("foo", text), 0x1004}});
    load();
    EXPECT_FALSE(module_->apply(rela_).refusal);
    EXPECT_EQ(content(), "1f2003d51f2003d5000000b0");  // the next page, though it is less than a page to there
}

TEST_F(Arm64Relocation, AdrpReachesFourGiB) {
    EXPECT_EQ(instruction(R_AARCH64_ADR_PREL_PG_HI21, text + 0xffffffff, 0, 0x90000000), "f07fffe0");
    EXPECT_FALSE(outcome_.refusal);
    EXPECT_EQ(instruction(R_AARCH64_ADR_PREL_PG_HI21, text - 0x100000000, 0, 0x90000000), "90800000");
    EXPECT_FALSE(outcome_.refusal);
    instruction(R_AARCH64_ADR_PREL_PG_HI21, text + 0x100000000, 0, 0x90000000);
    EXPECT_EQ(message_of(outcome_), overflow(R_AARCH64_ADR_PREL_PG_HI21, text + 0x100000000));
    instruction(R_AARCH64_ADR_PREL_PG_HI21, text - 0x100000001, 0, 0x90000000);
    EXPECT_EQ(message_of(outcome_), overflow(R_AARCH64_ADR_PREL_PG_HI21, text - 0x100000001));
    EXPECT_EQ(instruction(R_AARCH64_ADR_PREL_PG_HI21_NC, text + 0x100000000, 0, 0x90000000), "90800000");
    EXPECT_FALSE(outcome_.refusal);
}

TEST_F(Arm64Relocation, Lo12IsInUnitsOfTheAccess) {
    EXPECT_EQ(instruction(R_AARCH64_ADD_ABS_LO12_NC, kernel, 0x7c7, 0x91000000), "9127fc00");
    EXPECT_EQ(instruction(R_AARCH64_LDST8_ABS_LO12_NC, kernel, 0x7c7, 0x39400000), "3967fc00");
    EXPECT_EQ(instruction(R_AARCH64_LDST16_ABS_LO12_NC, kernel, 0, 0x79400000), "79447000");
    EXPECT_EQ(instruction(R_AARCH64_LDST32_ABS_LO12_NC, kernel, 0, 0xb9400000), "b9423800");
    EXPECT_EQ(instruction(R_AARCH64_LDST64_ABS_LO12_NC, kernel, 0, 0xf9400000), "f9411c00");
    EXPECT_EQ(instruction(R_AARCH64_LDST128_ABS_LO12_NC, kernel, 0, 0x3dc00000), "3dc08c00");
    EXPECT_FALSE(outcome_.refusal);  // lost bits are nobody's concern
    EXPECT_EQ(instruction(R_AARCH64_LDST64_ABS_LO12_NC, 0xff8, 0, 0xf97ffc21), "f947fc21");
}

TEST_F(Arm64Relocation, MovesOfAbsoluteGroups) {
    constexpr std::uint64_t S = 0x1234567890abcdef;
    EXPECT_EQ(instruction(R_AARCH64_MOVW_UABS_G0_NC, S, 0, 0xf2800000), "f299bde0");
    EXPECT_EQ(instruction(R_AARCH64_MOVW_UABS_G1_NC, S, 0, 0xf2a00000), "f2b21560");
    EXPECT_EQ(instruction(R_AARCH64_MOVW_UABS_G2_NC, S, 0, 0xf2c00000), "f2cacf00");
    EXPECT_EQ(instruction(R_AARCH64_MOVW_UABS_G3, S, 0, 0xd2e00000), "d2e24680");
    EXPECT_FALSE(outcome_.refusal);
}

TEST_F(Arm64Relocation, MovesOfAbsoluteGroupsAreChecked) {
    EXPECT_EQ(instruction(R_AARCH64_MOVW_UABS_G0, 0xffff, 0, 0xd2800000), "d29fffe0");
    EXPECT_FALSE(outcome_.refusal);
    const std::vector<std::pair<std::uint32_t, std::uint64_t>> cases = {{R_AARCH64_MOVW_UABS_G0, 0x10000},
                                                                        {R_AARCH64_MOVW_UABS_G1, 0x100000000},
                                                                        {R_AARCH64_MOVW_UABS_G2, 0x1000000000000}};
    for (const auto& [type, value] : cases) {
        instruction(type, value, -1, 0xd2800000);
        EXPECT_FALSE(outcome_.refusal);
        instruction(type, value, 0, 0xd2800000);
        EXPECT_EQ(message_of(outcome_), overflow(type, value));
        instruction(type, ~0ULL, 0, 0xd2800000);
        EXPECT_EQ(message_of(outcome_), overflow(type, ~0ULL));
    }
}

TEST_F(Arm64Relocation, MovesOfSignedValuesBecomeMovn) {
    EXPECT_EQ(instruction(R_AARCH64_MOVW_SABS_G0, 0x1234, 0, 0x92800000), "d2824680");
    EXPECT_EQ(instruction(R_AARCH64_MOVW_SABS_G0, -0x1235ULL, 0, 0xd2800000), "92824680");
    EXPECT_EQ(instruction(R_AARCH64_MOVW_SABS_G1, -1ULL << 32, 0, 0xd2a00000), "92bfffe0");
    EXPECT_FALSE(outcome_.refusal);
    instruction(R_AARCH64_MOVW_SABS_G1, (-1ULL << 32) - 1, 0, 0xd2a00000);
    EXPECT_EQ(message_of(outcome_), overflow(R_AARCH64_MOVW_SABS_G1, (-1ULL << 32) - 1));
    instruction(R_AARCH64_MOVW_SABS_G2, 1ULL << 48, 0, 0xd2c00000);
    EXPECT_EQ(message_of(outcome_), overflow(R_AARCH64_MOVW_SABS_G2, 1ULL << 48));
    instruction(R_AARCH64_MOVW_SABS_G0, 0x10000, 0, 0xd2800000);
    EXPECT_EQ(message_of(outcome_), overflow(R_AARCH64_MOVW_SABS_G0, 0x10000));
}

TEST_F(Arm64Relocation, MovesOfDistances) {
    EXPECT_EQ(instruction(R_AARCH64_MOVW_PREL_G0, text + 0x1234, 0, 0xd2800000), "d2824680");
    EXPECT_EQ(instruction(R_AARCH64_MOVW_PREL_G0, text - 0x1235, 0, 0xd2800000), "92824680");
    EXPECT_EQ(instruction(R_AARCH64_MOVW_PREL_G0_NC, text - 1, 0, 0xf2800000), "f29fffe0");
    EXPECT_EQ(instruction(R_AARCH64_MOVW_PREL_G1_NC, text + 0x12345678, 0, 0xf2a00000), "f2a24680");
    EXPECT_EQ(instruction(R_AARCH64_MOVW_PREL_G1, text + 0x12345678, 0, 0xd2a00000), "d2a24680");
    EXPECT_EQ(instruction(R_AARCH64_MOVW_PREL_G2_NC, text + (0x1234ULL << 32), 0, 0xf2c00000), "f2c24680");
    EXPECT_EQ(instruction(R_AARCH64_MOVW_PREL_G2, text - (1ULL << 32), 0, 0xd2c00000), "92c00000");
    EXPECT_EQ(instruction(R_AARCH64_MOVW_PREL_G3, text + (0x1234ULL << 48), 0, 0xd2e00000), "d2e24680");
    EXPECT_FALSE(outcome_.refusal);
    for (const auto& [type, bits] : {std::pair{R_AARCH64_MOVW_PREL_G0, 16}, {R_AARCH64_MOVW_PREL_G1, 32}}) {
        instruction(type, text + (1ULL << bits), 0, 0xd2800000);
        EXPECT_EQ(message_of(outcome_), overflow(type, text + (1ULL << bits)));
    }
}

TEST_F(Arm64Relocation, AddendsCountInEachType) {
    for (std::uint32_t type = R_AARCH64_ABS64; type <= R_AARCH64_MOVW_PREL_G3; ++type) {
        // Types without a check take any value; the others one that fits.
        const bool is_relative = (type >= R_AARCH64_PREL64 && type <= R_AARCH64_PREL16) ||
                                 type >= R_AARCH64_MOVW_PREL_G0 ||
                                 (type >= R_AARCH64_LD_PREL_LO19 && type <= R_AARCH64_CALL26 &&
                                  type != R_AARCH64_ADD_ABS_LO12_NC && type != R_AARCH64_LDST8_ABS_LO12_NC);
        const std::uint64_t S = (is_relative ? text : 0) + 0x5670;
        if (message_of(relocate(type, S, 0, "0100001000000000")).find("unsupported") != std::string::npos) continue;
        const std::string expected = content();
        EXPECT_FALSE(relocate(type, S - 0x4000, 0x4000, "0100001000000000").refusal) << type;
        EXPECT_EQ(content(), expected) << type;
    }
}

TEST_F(Arm64Relocation, APltEntryBeyondAdrpIsABug) {
    start("0000009400000094");
    const auto foo = module_->add_symbol("foo", text + (1ULL << 33)), bar = module_->add_symbol("bar", 4);
    rela_ = module_->add_relocations(text_, {{0, R_AARCH64_CALL26, foo, 0}, {4, R_AARCH64_CALL26, foo, 0x1000}});
    module_->add_relocations(text_, {{0, R_AARCH64_CALL26, bar, 0}});
    load();
    EXPECT_FALSE(module_->apply(rela_).refusal);  // `brk` in both, in one page
    EXPECT_EQ(entry(0).substr(0, 8), "002020d4");
    start("0000009400000094");
    module_->add_symbol("foo", far_away);
    module_->add_symbol("bar", text + (1ULL << 33) + 0x238);
    rela_ = module_->add_relocations(text_, {{0, R_AARCH64_CALL26, 1, 0}, {4, R_AARCH64_CALL26, 2, 0}, {4, 0, 0, 0}});
    load();
    EXPECT_THROW(static_cast<void>(module_->apply(rela_)), Error);
}

TEST_F(Arm64Relocation, OtherTypesAreUnknown) {
    EXPECT_EQ(message_of(relocate(R_AARCH64_ADR_GOT_PAGE, 0, 0, "00000000")),
              "Modules: module m: unsupported RELA relocation: 311");
    features_.message_prefix = "";
    EXPECT_EQ(message_of(relocate(R_AARCH64_ADR_GOT_PAGE, 0, 0, "00000000")),
              "module m: unsupported RELA relocation: 311");
}

TEST_F(Arm64Relocation, NearBranchesAreDirect) {
    EXPECT_EQ(instruction(R_AARCH64_CALL26, kernel, 0, 0x94000000), "95c0408e");
    EXPECT_EQ(instruction(R_AARCH64_JUMP26, text - 4, 0, 0x14000000), "17ffffff");
    EXPECT_EQ(instruction(R_AARCH64_CALL26, text - (1 << 27), 0, 0x94000000), "96000000");
    EXPECT_EQ(instruction(R_AARCH64_CALL26, text + (1 << 27) - 4, 0, 0x94000000), "95ffffff");
    EXPECT_EQ(outcome_.writes.size(), 1U);
}

TEST_F(Arm64Relocation, FarBranchesGoThroughThePlt) {
    for (const std::uint64_t target : {text - (1 << 27) - 4, text + (1 << 27)}) {
        EXPECT_EQ(instruction(R_AARCH64_CALL26, target, 0, 0x94000000), "94001000");
    }
    EXPECT_EQ(instruction(R_AARCH64_CALL26, far_away, 0, 0x94000000), "94001000");
    // adrp x16, 0x1800c pages on; add x16,x16,#0x238; br x16
    EXPECT_EQ(entry(0),
              "70000c90"
              "10e20891"
              "00021fd6");
    ASSERT_EQ(outcome_.writes.size(), 3U);
    EXPECT_EQ(outcome_.writes[1].kind, WriteKind::plt_entry);
    EXPECT_EQ(outcome_.writes[1].section, plt_);
    EXPECT_FALSE(outcome_.refusal);
}

TEST_F(Arm64Relocation, APltOutOfReachIsNamed) {
    plt_address_ = text + (1 << 27);
    instruction(R_AARCH64_CALL26, far_away, 0, 0x94000000);
    EXPECT_EQ(message_of(outcome_), overflow(R_AARCH64_CALL26, text + (1 << 27)));
}

class Arm64Plt : public Arm64Relocation {
protected:
    Preparation prepare(std::vector<ImageRelocation> relocations) {
        start("000000940000009400000094000000940000009400000094");
        foo_ = module_->add_symbol("foo", far_away);
        bar_ = module_->add_symbol("bar", far_away + 0x1000);
        local_ = module_->add_symbol("local", text + 4, static_cast<std::uint16_t>(text_));
        rela_ = module_->add_relocations(text_, std::move(relocations));
        return module_->relocator().prepare();
    }
    [[nodiscard]] std::uint64_t entries(std::vector<ImageRelocation> relocations) {
        EXPECT_FALSE(prepare(std::move(relocations)).refusal);
        return module_->image.sections[plt_].size / 12;
    }
    std::uint32_t foo_ = 1, bar_ = 2, local_ = 3;
};

TEST_F(Arm64Plt, HasOneMoreEntryThanBranchTargets) {
    EXPECT_EQ(entries({}), 1U);
    EXPECT_EQ(entries({{0, R_AARCH64_CALL26, foo_, 0}, {4, R_AARCH64_CALL26, foo_, 0}, {8, R_AARCH64_CALL26, bar_, 0}}),
              3U);
    EXPECT_EQ(entries({{0, R_AARCH64_CALL26, foo_, 0}, {4, R_AARCH64_JUMP26, foo_, 0}}), 3U);
    EXPECT_EQ(entries({{0, R_AARCH64_CALL26, foo_, 8}, {4, R_AARCH64_CALL26, foo_, 8}}), 3U);
    EXPECT_EQ(entries({{0, R_AARCH64_CALL26, local_, 0}, {4, R_AARCH64_PREL32, foo_, 0}}), 1U);
}

TEST_F(Arm64Plt, HeadersAreMadeByTheLoader) {
    const Preparation preparation = prepare({{0, R_AARCH64_CALL26, foo_, 0}});
    ASSERT_EQ(preparation.changes.size(), 2U);
    EXPECT_EQ(preparation.changes[0].section, plt_);
    EXPECT_EQ(preparation.changes[0].size, 24U);
    EXPECT_EQ(preparation.changes[0].alignment, 64U);
    EXPECT_EQ(preparation.changes[1].size, 12U);
    EXPECT_EQ(module_->image.sections[plt_].type, std::uint32_t{SHT_NOBITS});
    EXPECT_EQ(module_->image.sections[plt_].flags, std::uint64_t{SHF_ALLOC | SHF_EXECINSTR});
}

TEST_F(Arm64Plt, BranchesAreSortedAndShareEntries) {
    prepare({{0, R_AARCH64_CALL26, bar_, 0},
             {4, R_AARCH64_CALL26, foo_, 0},
             {8, R_AARCH64_PREL32, foo_, 0},
             {12, R_AARCH64_CALL26, bar_, 0},
             {16, R_AARCH64_CALL26, foo_, 0},
             {20, R_AARCH64_CALL26, local_, 0}});
    const auto& sorted = module_->image.sections[rela_].relocations;
    std::vector<std::uint64_t> offsets;
    for (const auto& each : sorted) offsets.push_back(each.offset);
    EXPECT_THAT(offsets, testing::ElementsAre(16, 4, 12, 0, 8, 20));
    module_->image.symbols[foo_].value = far_away;
    module_->place(plt_, plt);
    module_->place(init_plt_, init_plt);
    module_->image.sections[rela_].relocations.resize(4);
    EXPECT_FALSE(module_->apply(rela_).refusal);
    EXPECT_EQ(load_u32(4), 0x94000fffU);
    EXPECT_EQ(load_u32(16), 0x94000ffcU);
    EXPECT_EQ(load_u32(0), 0x94001003U);
    EXPECT_EQ(load_u32(12), 0x94001000U);
    EXPECT_EQ(entry(1),
              "70000cb0"
              "10e20891"
              "00021fd6");
    EXPECT_EQ(entry(2), entry(1));  // the leftover of the second branch to bar
}

TEST_F(Arm64Plt, FillsUpWhenATargetComesBackElsewhere) {
    prepare({{0, R_AARCH64_CALL26, foo_, 0}});
    module_->place(plt_, plt);
    module_->place(init_plt_, init_plt);
    EXPECT_FALSE(module_->apply(rela_, ModuleState::live).refusal);
    EXPECT_FALSE(module_->apply(rela_, ModuleState::live).refusal);  // the same address: the same entry
    module_->image.symbols[foo_].value += 0x2000;
    const Outcome outcome = module_->apply(rela_, ModuleState::live);
    ASSERT_TRUE(outcome.refusal);
    EXPECT_TRUE(outcome.refusal->warns);
    EXPECT_EQ(outcome.refusal->error, ENOEXEC);
    EXPECT_TRUE(outcome.refusal->messages.empty());
    EXPECT_TRUE(outcome.writes[0].by_text_patching);
    EXPECT_FALSE(outcome.writes[1].by_text_patching);  // a PLT entry is stored plainly
}

TEST_F(Arm64Plt, OfInitCodeIsItsOwn) {
    const auto init = module_->add_code(".init.text", init_plt - 0x1000, "00000094");
    const auto rela = module_->add_relocations(init, {{0, R_AARCH64_CALL26, module_->add_symbol("foo", far_away), 0}});
    load();
    EXPECT_EQ(module_->image.sections[plt_].size, 12U);
    EXPECT_EQ(module_->image.sections[init_plt_].size, 24U);
    EXPECT_FALSE(module_->apply(rela).refusal);
    EXPECT_EQ(module_->content(init), "00040094");
}

TEST_F(Arm64Plt, OfExitCodeIsTheInitOneWithoutUnloading) {
    features_.module_unload = false;
    start("00000000");
    const auto exit = module_->add_code(".exit.text", text + 0x1000, "00000094");
    module_->add_relocations(exit, {{0, R_AARCH64_CALL26, module_->add_symbol("foo", far_away), 0}});
    load();
    EXPECT_EQ(module_->image.sections[init_plt_].size, 24U);
}

TEST_F(Arm64Plt, BranchesInDataAreNotCounted) {
    module_->image.sections[text_].flags = SHF_ALLOC;
    module_->add_relocations(text_, {{0, R_AARCH64_CALL26, module_->add_symbol("foo", far_away), 0}});
    load();
    EXPECT_EQ(module_->image.sections[plt_].size, 12U);
}

// ADRP in the last two words of a page.
class Arm64Erratum : public Arm64Plt {
protected:
    void SetUp() override {
        features_.erratum_843419 = true;
        Arm64Plt::SetUp();
    }
    Outcome adrp_at(std::uint64_t address, std::uint64_t S) {
        start("05000090");
        module_->image.sections[text_].address = address;
        rela_ = module_->add_relocations(text_, {{0, R_AARCH64_ADR_PREL_PG_HI21, module_->add_symbol("foo", S), 0}});
        EXPECT_FALSE(module_->relocator().prepare().refusal);
        module_->image.sections[plt_].size = 36;
        module_->place(plt_, plt_address_);
        module_->place(init_plt_, init_plt);
        return module_->apply(rela_);
    }
};

TEST_F(Arm64Erratum, RaisesTheAlignmentOrCountsAVeneer) {
    EXPECT_EQ(entries({{0x10, R_AARCH64_ADR_PREL_PG_HI21, foo_, 0}}), 1U);
    EXPECT_EQ(module_->image.sections[text_].alignment, 16U);
    EXPECT_EQ(entries({{0x7f8, R_AARCH64_ADR_PREL_PG_HI21, foo_, 0}}), 1U);
    EXPECT_EQ(module_->image.sections[text_].alignment, 4096U);
    EXPECT_EQ(entries({{0xff8, R_AARCH64_ADR_PREL_PG_HI21, foo_, 0}}), 1U + 1 + 1);  // and one as slack
    EXPECT_EQ(module_->image.sections[text_].alignment, 1U);
}

TEST_F(Arm64Erratum, OtherPlacesAreOrdinary) {
    EXPECT_EQ(adrp_at(text + 0xff4, far_away).writes.size(), 1U);
    features_.erratum_843419 = false;
    EXPECT_EQ(adrp_at(text + 0xff8, far_away).writes.size(), 1U);
}

TEST_F(Arm64Erratum, AdrTakesThePlaceWhereItReaches) {
    adrp_at(text + 0xff8, text + 0x2345);
    EXPECT_EQ(content(), "45800010");  // adr x5, 0x1008 on, the page of the target
}

TEST_F(Arm64Erratum, AVeneerTakesThePlaceElsewhere) {
    ASSERT_EQ(module_->image.sections.size(), 5U);
    start("05000090");
    rela_ = module_->add_relocations(text_, {{0, R_AARCH64_ADR_PREL_PG_HI21, module_->add_symbol("foo", far_away), 0}});
    module_->image.sections[text_].address = text + 0xff8;
    module_->image.sections[rela_].relocations[0].offset = 0xff8;  // as it is counted
    EXPECT_FALSE(module_->relocator().prepare().refusal);
    module_->image.sections[rela_].relocations[0].offset = 0;
    module_->place(plt_, plt);
    module_->place(init_plt_, init_plt);
    const Outcome outcome = module_->apply(rela_);
    EXPECT_FALSE(outcome.refusal);
    EXPECT_EQ(content(), "020c0014");  // b plt
    EXPECT_EQ(entry(0),
              "65000c90"
              "a5000091"
              "fdf3ff17");  // adrp x5; add x5,x5,#0; b back
    EXPECT_EQ(outcome.writes.at(1).kind, WriteKind::veneer);
}

TEST_F(Arm64Erratum, ATooSmallTableIsAWarning) {
    const Outcome outcome = adrp_at(text + 0xff8, far_away);  // not counted: its offset in the section is 0
    ASSERT_TRUE(outcome.refusal);
    EXPECT_TRUE(outcome.refusal->warns);
    EXPECT_EQ(outcome.refusal->error, ENOEXEC);
}

TEST_F(Arm64Erratum, EntriesAtBadPlacesAreSkipped) {
    plt_address_ = plt + 0xff8;
    start("00000094");
    rela_ = module_->add_relocations(text_, {{0, R_AARCH64_CALL26, module_->add_symbol("foo", far_away), 0}});
    load();
    EXPECT_FALSE(module_->apply(rela_).refusal);
    EXPECT_EQ(content(), "01140094");
    EXPECT_EQ(entry(0), "000000000000000000000000");
    EXPECT_EQ(entry(1),
              "50000cf0"
              "10e20891"
              "00021fd6");
}

TEST_F(Arm64Relocation, FtraceTrampolinesAreMadeInTheEnd) {
    features_.ftrace_caller = far_away;
    start("00000000");
    const auto trampoline = module_->add_section({.name = ".text.ftrace_trampoline", .type = SHT_PROGBITS});
    const auto init = module_->add_section({.name = ".init.text.ftrace_trampoline", .type = SHT_PROGBITS});
    load();
    EXPECT_EQ(module_->image.sections[trampoline].size, 12U);
    EXPECT_EQ(module_->image.sections[trampoline].alignment, 4U);
    module_->place(trampoline, plt + 0x100);
    module_->place(init, init_plt + 0x100);
    EXPECT_EQ(module_->relocator().finalize().writes.size(), 2U);
    EXPECT_EQ(module_->content(trampoline),
              "70000c90"
              "10e20891"
              "00021fd6");
}

TEST_F(Arm64Relocation, FtraceTrampolinesMustHaveASection) {
    features_.ftrace_caller = far_away;
    start("00000000");
    load();
    const Outcome outcome = module_->relocator().finalize();
    ASSERT_TRUE(outcome.refusal);
    EXPECT_EQ(outcome.refusal->error, ENOEXEC);
}

TEST(Arm64Modules, NeedBothPltSectionsAndSymbols) {
    TestModule module(EM_AARCH64, ByteOrder::little);
    EXPECT_THAT(module.relocator().prepare().refusal->messages,
                testing::ElementsAre("m: module PLT section(s) missing"));
    module.add_section({.name = ".plt"});
    module.add_section({.name = ".init.plt"});
    module.image.sections[1].type = SHT_PROGBITS;
    EXPECT_THAT(module.relocator().prepare().refusal->messages,
                testing::ElementsAre("m: module symtab section missing"));
}

}  // namespace
}  // namespace klp::arch::arm64_relocator_test
