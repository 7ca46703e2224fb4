// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "arch/ppc64le/features.hpp"
#include "test_module.hpp"

namespace klp::arch::ppc64le_relocator_test {
namespace {

using test::message_of;
using TestModule = test::TestModule<ppc64le::Features>;
using test::to_hex;

constexpr std::uint64_t text = 0xc008000000010000;
constexpr std::uint64_t stubs = 0xc008000000018000;
constexpr std::uint64_t toc = 0xc008000000020010;
constexpr std::uint64_t r2 = 0xc008000000028000;  // toc, rounded down, + 0x8000
constexpr std::uint64_t kernel = 0xc000000000100000;
constexpr std::uint16_t shn_livepatch = 0xff20;

constexpr std::uint32_t r_ppc64_entry = 118;

// .text (2), .stubs (3) and .toc (4), and one relocation at the start of .text.
class PpcModule {
public:
    PpcModule() {
        module.features.dynamic_ftrace = false;
        text_section = module.add_code(".text", text, "");
        stubs_section = module.add_section({.name = ".stubs", .type = SHT_NOBITS, .alignment = 8});
        toc_section = module.add_section({.name = ".toc", .type = SHT_PROGBITS, .alignment = 1});
    }
    // Prepares and places the sections.
    void load() {
        ASSERT_FALSE(module.relocator().prepare().refusal);
        module.place(stubs_section, stubs);
        module.place(toc_section, toc);
    }
    void set_text(std::string_view content) {
        bytes_ = test::from_hex(content);
        module.image.sections[text_section].memory = bytes_;
    }
    [[nodiscard]] std::string text_content() const { return module.content(text_section); }
    [[nodiscard]] std::string stub(std::size_t index) const {
        return module.content(stubs_section).substr(80 * index, 80);
    }

    TestModule module{EM_PPC64, ByteOrder::little};
    std::uint32_t text_section = 0, stubs_section = 0, toc_section = 0;

private:
    std::vector<std::byte> bytes_;
};

class PpcRelocation : public testing::Test, protected PpcModule {
protected:
    Outcome relocate(std::uint32_t type, std::uint64_t S, std::int64_t A, std::string_view content,
                     std::uint16_t section_index = 2, std::uint8_t other = 0) {
        module.add_relocations(text_section, {});
        set_text(content);
        const auto symbol = module.add_symbol("foo", S, section_index, other);
        const auto rela = module.add_relocations(text_section, {{0, type, symbol, A}});
        load();
        return module.apply(rela);
    }
};

TEST_F(PpcRelocation, AbsoluteFields) {
    relocate(R_PPC64_ADDR64, kernel, 0x10, "ffffffffffffffff");
    EXPECT_EQ(text_content(), "10001000000000c0");
    EXPECT_FALSE(relocate(R_PPC64_ADDR32, kernel, 0x10, "ffffffffffffffff").refusal);  // cut off
    EXPECT_EQ(text_content(), "10001000ffffffff");
}

TEST_F(PpcRelocation, TocIsTheTocPointer) {
    relocate(R_PPC64_TOC, 0, 0, "0000000000000000");
    EXPECT_EQ(text_content(), "00800200000008c0");
}

TEST_F(PpcRelocation, RelativeFields) {
    relocate(R_PPC64_REL64, text + 0x10, 4, "0000000000000000");
    EXPECT_EQ(text_content(), "1400000000000000");
    relocate(R_PPC64_REL64, text - 0x10, 0, "0000000000000000");
    EXPECT_EQ(text_content(), "f0ffffffffffffff");
}

TEST_F(PpcRelocation, Rel32ReachesTwoGiBBothWays) {
    EXPECT_FALSE(relocate(R_PPC64_REL32, text + 0x7fffffff, 0, "00000000").refusal);
    EXPECT_EQ(text_content(), "ffffff7f");
    EXPECT_FALSE(relocate(R_PPC64_REL32, text - 0x80000000, 0, "00000000").refusal);
    EXPECT_EQ(text_content(), "00000080");
    EXPECT_EQ(message_of(relocate(R_PPC64_REL32, text + 0x80000000, 0, "00000000")),
              "module_64: m: REL32 2147483648 out of range!");
    EXPECT_EQ(message_of(relocate(R_PPC64_REL32, text - 0x80000001, 0, "00000000")),
              "module_64: m: REL32 -2147483649 out of range!");
    EXPECT_EQ(text_content(), "00000000");
}

TEST_F(PpcRelocation, Toc16ReachesTheWholeToc) {
    EXPECT_FALSE(relocate(R_PPC64_TOC16, r2 + 0x7fff, 0, "0000").refusal);
    EXPECT_EQ(text_content(), "ff7f");
    EXPECT_FALSE(relocate(R_PPC64_TOC16, r2 - 0x8000, 0, "0000").refusal);
    EXPECT_EQ(text_content(), "0080");
    EXPECT_EQ(message_of(relocate(R_PPC64_TOC16, r2 + 0x8000, 0, "0000")),
              "module_64: m: bad TOC16 relocation (0x8000)");
    EXPECT_EQ(message_of(relocate(R_PPC64_TOC16, r2 - 0x8001, 0, "0000")),
              "module_64: m: bad TOC16 relocation (0xffffffffffff7fff)");
}

TEST_F(PpcRelocation, Toc16DsKeepsTheTwoLowestBits) {
    EXPECT_FALSE(relocate(R_PPC64_TOC16_DS, r2 + 0x7ffc, 0, "0100").refusal);
    EXPECT_EQ(text_content(), "fd7f");
    EXPECT_FALSE(relocate(R_PPC64_TOC16_DS, r2 - 0x8000, 0, "ffff").refusal);
    EXPECT_EQ(text_content(), "0380");
    EXPECT_EQ(message_of(relocate(R_PPC64_TOC16_DS, r2 + 0x8000, 0, "0000")),
              "module_64: m: bad TOC16_DS relocation (0x8000)");
    EXPECT_EQ(message_of(relocate(R_PPC64_TOC16_DS, r2 + 2, 0, "0000")), "module_64: m: bad TOC16_DS relocation (0x2)");
}

TEST_F(PpcRelocation, Toc16LoAndHaMakeAPair) {
    EXPECT_FALSE(relocate(R_PPC64_TOC16_LO, r2 + 0x1238000, 0, "ffff").refusal);
    EXPECT_EQ(text_content(), "0080");
    EXPECT_FALSE(relocate(R_PPC64_TOC16_HA, r2 + 0x1238000, 0, "ffff").refusal);
    EXPECT_EQ(text_content(), "2401");
    EXPECT_FALSE(relocate(R_PPC64_TOC16_HA, r2 + 0x1237fff, 0, "ffff").refusal);
    EXPECT_EQ(text_content(), "2301");
    EXPECT_FALSE(relocate(R_PPC64_TOC16_HA, r2 - 0x8001, 0, "0000").refusal);
    EXPECT_EQ(text_content(), "ffff");
    EXPECT_FALSE(relocate(R_PPC64_TOC16_LO_DS, r2 + 0x1238004, 0, "0200").refusal);
    EXPECT_EQ(text_content(), "0680");
    EXPECT_EQ(message_of(relocate(R_PPC64_TOC16_LO_DS, r2 + 0x10001, 0, "0000")),
              "module_64: m: bad TOC16_LO_DS relocation (0x10001)");
}

TEST_F(PpcRelocation, Rel16MakesAPairToo) {
    relocate(R_PPC64_REL16_HA, text + 0x28000, 0, "ffff");
    EXPECT_EQ(text_content(), "0300");
    relocate(R_PPC64_REL16_LO, text + 0x28000, 4, "ffff");
    EXPECT_EQ(text_content(), "0480");
}

TEST_F(PpcRelocation, AddendsCountInEachType) {
    const std::vector<std::pair<std::uint32_t, std::uint64_t>> cases = {{R_PPC64_ADDR32, kernel},
                                                                        {R_PPC64_ADDR64, kernel},
                                                                        {R_PPC64_TOC16, r2 + 0x1234},
                                                                        {R_PPC64_TOC16_LO, r2 + 0x1234},
                                                                        {R_PPC64_TOC16_DS, r2 + 0x1234},
                                                                        {R_PPC64_TOC16_LO_DS, r2 + 0x1234},
                                                                        {R_PPC64_TOC16_HA, r2 + 0x120000},
                                                                        {R_PPC64_REL24, text + 0x1234},
                                                                        {R_PPC64_REL32, text + 0x1234},
                                                                        {R_PPC64_REL64, text + 0x1234},
                                                                        {R_PPC64_REL16_HA, text + 0x120000},
                                                                        {R_PPC64_REL16_LO, text + 0x1234}};
    for (const auto& [type, S] : cases) {
        relocate(type, S, 0, "0000004800000000");
        const std::string expected = text_content();
        EXPECT_NE(expected, "0000004800000000") << type;
        EXPECT_FALSE(relocate(type, S - 0x10000, 0x10000, "0000004800000000").refusal) << type;
        EXPECT_EQ(text_content(), expected) << type;
    }
    EXPECT_EQ(message_of(relocate(R_PPC64_TOC16, r2, 0x8000, "0000")), "module_64: m: bad TOC16 relocation (0x8000)");
    EXPECT_EQ(message_of(relocate(R_PPC64_TOC16_DS, r2, 0x8004, "0000")),
              "module_64: m: bad TOC16_DS relocation (0x8004)");
    EXPECT_EQ(message_of(relocate(R_PPC64_TOC16_LO_DS, r2, 6, "0000")),
              "module_64: m: bad TOC16_LO_DS relocation (0x6)");
    EXPECT_EQ(message_of(relocate(R_PPC64_REL32, text, 0x80000000, "00000000")),
              "module_64: m: REL32 2147483648 out of range!");
}

TEST_F(PpcRelocation, HighHalvesAreWhole) {
    relocate(R_PPC64_REL16_HA, text - 0x10000, 0, "0000");
    EXPECT_EQ(text_content(), "ffff");
    relocate(R_PPC64_REL16_LO, text - 1, 0, "0000");
    EXPECT_EQ(text_content(), "ffff");
}

TEST_F(PpcRelocation, TocSaveIsAHint) {
    const Outcome outcome = relocate(R_PPC64_TOCSAVE, kernel, 0, "00000060");
    EXPECT_TRUE(outcome.writes.empty());
    EXPECT_FALSE(outcome.refusal);
}

TEST_F(PpcRelocation, OtherTypesAreUnknown) {
    const Outcome outcome = relocate(R_PPC64_REL14, text, 0, "00000000");
    EXPECT_EQ(message_of(outcome), fmt::format("module_64: m: Unknown ADD relocation: {}", R_PPC64_REL14));
    EXPECT_EQ(outcome.refusal->error, ENOEXEC);
}

TEST_F(PpcRelocation, EntryOfTheLargeModelIsRewritten) {
    // ld r2,-8(r12); add r2,r2,r12
    relocate(r_ppc64_entry, text, 0,
             "f8ff4ce8"
             "1462427c");
    EXPECT_EQ(text_content(),
              "02004c3c"
              "00804238");  // addis r2,r12,2; addi r2,r2,-0x8000: r2 - text = 0x18000
}

TEST_F(PpcRelocation, EntryOfOtherFunctionsIsLeft) {
    for (const std::string_view code : {"f8ff4ce81462437c", "f8ff4de81462427c", "0000000000000000"}) {
        EXPECT_TRUE(relocate(r_ppc64_entry, text, 0, code).writes.empty());
        EXPECT_EQ(text_content(), code);
    }
}

TEST_F(PpcRelocation, EntryIsLeftWhereTheTocIsFar) {
    const auto distant = [&](std::uint64_t address) {
        module.image.sections[text_section].address = address;
        return relocate(r_ppc64_entry, 0, 0, "f8ff4ce81462427c").writes.size();
    };
    EXPECT_EQ(distant(r2 - 0x7fff7fff), 2U);
    EXPECT_EQ(distant(r2 - 0x7fff8000), 0U);
    EXPECT_EQ(distant(r2 + 0x80008000), 2U);
    EXPECT_EQ(distant(r2 + 0x80008001), 0U);
}

TEST_F(PpcRelocation, LocalCallsGoToTheLocalEntry) {
    relocate(R_PPC64_REL24, text + 0x100, 0, "01000048", 2, 3 << 5);
    EXPECT_EQ(text_content(), "09010048");
    relocate(R_PPC64_REL24, text + 0x100, 0, "01000048", 2, 0);
    EXPECT_EQ(text_content(), "01010048");
    relocate(R_PPC64_REL24, text + 0x100, 0, "01000048", 2, 1 << 5);  // one entry, r2 not kept
    EXPECT_EQ(text_content(), "01010048");
    relocate(R_PPC64_REL24, text + 0x100, 0, "01000048", 2, 6 << 5);
    EXPECT_EQ(text_content(), "41010048");
}

TEST_F(PpcRelocation, Rel24Reaches32MiBBothWays) {
    EXPECT_FALSE(relocate(R_PPC64_REL24, text + 0x1fffffc, 0, "03000048").refusal);
    EXPECT_EQ(text_content(), "ffffff49");
    EXPECT_FALSE(relocate(R_PPC64_REL24, text - 0x2000000, 0, "01000048").refusal);
    EXPECT_EQ(text_content(), "0100004a");
    EXPECT_EQ(message_of(relocate(R_PPC64_REL24, text + 0x2000000, 0, "01000048")),
              "module_64: m: REL24 33554432 out of range!");
    EXPECT_EQ(message_of(relocate(R_PPC64_REL24, text - 0x2000004, 0, "01000048")),
              "module_64: m: REL24 -33554436 out of range!");
    EXPECT_EQ(message_of(relocate(R_PPC64_REL24, text + 2, 0, "01000048")), "module_64: m: REL24 2 out of range!");
}

TEST_F(PpcRelocation, CallsOutGoThroughAStubAndRestoreTheToc) {
    const Outcome outcome = relocate(R_PPC64_REL24, kernel, 0, "01000048 00000060", SHN_UNDEF);
    EXPECT_EQ(text_content(),
              "01800048"
              "180041e8");
    // The stub is at r2 - 0x10000: @ha -1, @l 0.
    EXPECT_EQ(stub(0),
              "ffff623d"
              "00006b39"
              "180041f8"
              "20008be9"
              "a603897d"
              "2004804e"
              "00000000"
              "62757473"
              "00001000000000c0");
    ASSERT_EQ(outcome.writes.size(), 3U);
    EXPECT_EQ(outcome.writes[0].kind, WriteKind::stub);
    EXPECT_EQ(outcome.writes[0].section, stubs_section);
    EXPECT_EQ(outcome.writes[1].kind, WriteKind::toc_restore);
    EXPECT_EQ(outcome.writes[1].offset, 4U);
    EXPECT_EQ(outcome.writes[2].kind, WriteKind::field);
    EXPECT_TRUE(outcome.writes[2].by_text_patching);
}

TEST_F(PpcRelocation, CallsToLivepatchSymbolsAreCallsOut) {
    relocate(R_PPC64_REL24, kernel, 0, "01000048 00000060", shn_livepatch);
    EXPECT_EQ(text_content(),
              "01800048"
              "180041e8");
}

TEST_F(PpcRelocation, CallsOutWithoutANopAreRefused) {
    // What a call of a formerly local function looks like.
    const Outcome outcome = relocate(R_PPC64_REL24, kernel, 0,
                                     "01000048"
                                     "0000223d",
                                     shn_livepatch);
    EXPECT_EQ(message_of(outcome), "module_64: m: Expected nop after call, got 3d220000 at 0xc008000000010004");
    EXPECT_EQ(outcome.refusal->error, ENOEXEC);
    EXPECT_EQ(text_content(), "010000480000223d");
    EXPECT_EQ(outcome.writes.size(), 1U);  // the stub stays
}

TEST_F(PpcRelocation, TheMessageOfOlderKernelsIsAnother) {
    module.features.nop_message = ppc64le::NopMessage::expect_noop_after_relocate;
    EXPECT_EQ(message_of(relocate(R_PPC64_REL24, kernel, 0,
                                  "01000048"
                                  "0000223d",
                                  shn_livepatch)),
              "module_64: m: Expect noop after relocate, got 3d220000");
}

TEST_F(PpcRelocation, TheMessageNamesThePlaceOnceTheModuleIsLive) {
    module.image.symbolize = [](std::uint64_t address) { return fmt::format("bar+{:#x}/0x20 [m]", address - text); };
    const auto symbol = module.add_symbol("foo", kernel, shn_livepatch);
    const auto rela = module.add_relocations(text_section, {{0, R_PPC64_REL24, symbol, 0}});
    set_text(
        "01000048"
        "0000223d");
    load();
    EXPECT_EQ(message_of(module.apply(rela, ModuleState::live)),
              "module_64: m: Expected nop after call, got 3d220000 at bar+0x4/0x20 [m]");
}

TEST_F(PpcRelocation, TheMessageHasANumberWhileTheModuleLoads) {
    module.image.symbolize = [](std::uint64_t) { return "bar"; };
    EXPECT_EQ(message_of(relocate(R_PPC64_REL24, kernel, 0,
                                  "01000048"
                                  "0000223d")),
              "module_64: m: REL24 -2251799812702208 out of range!");
    EXPECT_EQ(message_of(relocate(R_PPC64_REL24, kernel, 0,
                                  "01000048"
                                  "0000223d",
                                  shn_livepatch)),
              "module_64: m: Expected nop after call, got 3d220000 at 0xc008000000010004");
}

TEST_F(PpcRelocation, SiblingCallsOutNeedNoNop) {
    EXPECT_FALSE(relocate(R_PPC64_REL24, kernel, 0,
                          "00000048"
                          "0000223d",
                          shn_livepatch)
                     .refusal);
    EXPECT_EQ(text_content(),
              "00800048"
              "0000223d");
}

TEST_F(PpcRelocation, CallsOutWithAnAddendGoThroughTheirOwnStub) {
    relocate(R_PPC64_REL24, kernel, 8,
             "01000048"
             "00000060",
             SHN_UNDEF, 3 << 5);
    EXPECT_EQ(stub(0).substr(64), "08001000000000c0");  // global entry, whatever st_other says
}

TEST_F(PpcRelocation, ARestoredTocIsRefusedIn61) {
    EXPECT_EQ(message_of(relocate(R_PPC64_REL24, kernel, 0,
                                  "01000048"
                                  "180041e8",
                                  shn_livepatch)),
              "module_64: m: Expected nop after call, got e8410018 at 0xc008000000010004");
}

TEST_F(PpcRelocation, ARestoredTocIsTakenSince610) {
    module.features.accepts_restored_r2 = true;
    const Outcome outcome = relocate(R_PPC64_REL24, kernel, 0,
                                     "01000048"
                                     "180041e8",
                                     shn_livepatch);
    EXPECT_FALSE(outcome.refusal);
    EXPECT_EQ(outcome.writes.size(), 2U);
}

class PpcStubs : public testing::Test, protected PpcModule {
protected:
    [[nodiscard]] std::uint64_t stub_count() {
        EXPECT_FALSE(module.relocator().prepare().refusal);
        return module.image.sections[stubs_section].size / 40;
    }
};

TEST_F(PpcStubs, AreCountedBySymbolAndAddend) {
    const auto foo = module.add_symbol("foo", 0), bar = module.add_symbol("bar", 0);
    module.add_relocations(text_section, {{0, R_PPC64_REL24, foo, 0},
                                          {4, R_PPC64_REL24, bar, 0},
                                          {8, R_PPC64_REL24, foo, 0},
                                          {12, R_PPC64_REL24, foo, 8},
                                          {16, R_PPC64_REL32, foo, 0}});
    EXPECT_EQ(stub_count(), 1U + 3U);
}

TEST_F(PpcStubs, AreCountedInEachSectionAnew) {
    const auto foo = module.add_symbol("foo", 0);
    module.add_relocations(text_section, {{0, R_PPC64_REL24, foo, 0}});
    module.add_relocations(text_section, {{4, R_PPC64_REL24, foo, 0}});
    EXPECT_EQ(stub_count(), 1U + 2U);
}

TEST_F(PpcStubs, AreNotSharedInTheCountWithNegativeAddends) {
    const auto foo = module.add_symbol("foo", 0);
    module.add_relocations(text_section, {{0, R_PPC64_REL24, foo, -4}, {4, R_PPC64_REL24, foo, -4}});
    EXPECT_EQ(stub_count(), 1U + 2U);
}

TEST_F(PpcStubs, OfFtraceAreCounted) {
    module.features.dynamic_ftrace = true;
    EXPECT_EQ(stub_count(), 3U);
}

TEST_F(PpcStubs, ForFtraceAreOrdinaryWithoutFtrace) {
    const auto foo = module.add_symbol("ftrace_caller", kernel),
               regs = module.add_symbol("ftrace_regs_caller", kernel + 8);
    const auto rela = module.add_relocations(text_section, {{0, R_PPC64_REL24, foo, 0}, {8, R_PPC64_REL24, regs, 0}});
    set_text("01000048000000600100004800000060");
    load();
    EXPECT_FALSE(module.apply(rela).refusal);
    EXPECT_EQ(stub(0).substr(0, 8), "ffff623d");
    EXPECT_EQ(text_content().substr(8, 8), "180041e8");
}

TEST_F(PpcStubs, ForFtraceAreOrdinaryWithoutAKernelTocToGoBy) {
    module.features.ftrace_stubs_use_kernel_toc = false;
    const auto mcount = module.add_symbol("_mcount", kernel);
    const auto rela = module.add_relocations(text_section, {{0, R_PPC64_REL24, mcount, 0}});
    set_text("0100004800000060");
    load();
    EXPECT_FALSE(module.apply(rela).refusal);
    EXPECT_EQ(text_content(), "01800048180041e8");
}

TEST_F(PpcStubs, OfNewerKernelsHaveNoTerminator) {
    module.features.stubs_zero_terminated = false;
    EXPECT_EQ(stub_count(), 0U);
}

TEST_F(PpcStubs, OutOfLineShareTheSection) {
    module.features.out_of_line_stub_size = 16;
    module.add_section({.name = "__patchable_function_entries", .type = SHT_PROGBITS, .size = 24});
    EXPECT_EQ(stub_count(), 1U + 2U);  // 48 bytes
}

TEST_F(PpcStubs, AreMadeInTheOrderOfSymbolsDownwards) {
    const auto foo = module.add_symbol("foo", kernel), bar = module.add_symbol("bar", kernel + 0x100);
    const auto rela = module.add_relocations(
        text_section, {{0, R_PPC64_REL24, foo, 0}, {8, R_PPC64_REL24, bar, 0}, {16, R_PPC64_REL24, foo, 0}});
    set_text("010000480000006001000048000000600100004800000060");
    load();
    EXPECT_FALSE(module.apply(rela).refusal);
    EXPECT_EQ(stub(0).substr(64), "00011000000000c0");
    EXPECT_EQ(stub(1).substr(64), "00001000000000c0");
    EXPECT_EQ(text_content(),
              "29800048180041e8"
              "f97f0048180041e8"
              "19800048180041e8");
}

TEST_F(PpcStubs, AreMadeAnewForATargetThatCameBackElsewhereUntilThereIsNoRoom) {
    module.features.accepts_restored_r2 = true;
    const auto foo = module.add_symbol("foo", kernel, shn_livepatch);
    const auto rela = module.add_relocations(text_section, {{0, R_PPC64_REL24, foo, 0}});
    set_text("0100004800000060");
    load();
    EXPECT_FALSE(module.apply(rela, ModuleState::live).refusal);
    module.image.symbols[foo].value += 0x10000;
    EXPECT_FALSE(module.apply(rela, ModuleState::live).refusal);
    EXPECT_EQ(stub(1).substr(64), "00001100000000c0");
    EXPECT_EQ(text_content(), "29800048180041e8");
    module.image.symbols[foo].value += 0x10000;
    EXPECT_THROW(module.apply(rela, ModuleState::live), Error);
}

TEST_F(PpcStubs, ForFtraceGoByTheKernelsToc) {
    module.features = {};
    module.features.ftrace_caller = kernel + 0x1230;
    module.features.ftrace_regs_caller = kernel + 0x1238000;
    module.features.kernel_toc = kernel;
    module.features.paca_kernel_toc_offset = 0x10;
    const auto mcount = module.add_symbol("_mcount", kernel - 0x8001);
    const auto rela = module.add_relocations(text_section, {{0, R_PPC64_REL24, mcount, 0}});
    set_text("010000480000223d");
    load();
    EXPECT_FALSE(module.apply(rela).refusal);  // needs no nop
    EXPECT_EQ(stub(0),
              "10008de9"
              "ffff8c3d"
              "ff7f8c39"
              "a603897d"
              "2004804e"
              "0000000000000000"
              "62757473"
              "ff7f0f00000000c0");
    const Outcome outcome = module.relocator().finalize();
    ASSERT_EQ(outcome.writes.size(), 2U);
    EXPECT_EQ(outcome.writes[0].kind, WriteKind::trampoline);
    EXPECT_EQ(stub(1),
              "10008de9"
              "00008c3d"
              "30128c39"
              "a603897d"
              "2004804e"
              "0000000000000000"
              "62757473"
              "30121000000000c0");
    EXPECT_EQ(stub(2).substr(8, 16),
              "24018c3d"
              "00808c39");
}

TEST_F(PpcStubs, ForFtraceOutOfReachAreRefused) {
    module.features = {};
    module.features.kernel_toc = kernel;
    module.features.paca_kernel_toc_offset = 0x10;
    const auto mcount = module.add_symbol("_mcount", kernel + 0x80000000);
    const auto rela = module.add_relocations(text_section, {{0, R_PPC64_REL24, mcount, 0}});
    set_text("0100004800000060");
    load();
    const Outcome outcome = module.apply(rela);
    EXPECT_EQ(message_of(outcome), "module_64: m: Address of _mcount out of range of kernel_toc.");
    EXPECT_EQ(outcome.refusal->error, ENOENT);
}

TEST_F(PpcStubs, ForFtraceNeedAKnownKernel) {
    module.features.dynamic_ftrace = true;
    load();
    EXPECT_THROW(static_cast<void>(module.relocator().finalize()), Error);
}

TEST_F(PpcStubs, OutOfReachOfTheTocAreRefused) {
    const auto foo = module.add_symbol("foo", kernel);
    const auto rela = module.add_relocations(text_section, {{0, R_PPC64_REL24, foo, 0}});
    set_text("0100004800000060");
    load();
    module.image.sections[stubs_section].address = r2 + 0x80000000;
    const Outcome outcome = module.apply(rela);
    EXPECT_EQ(message_of(outcome), "module_64: m: Address 0000000080000000 of stub out of range of (____ptrval____).");
    EXPECT_EQ(outcome.refusal->error, ENOENT);
    EXPECT_EQ(to_hex(outcome.writes.at(0).after),
              "0000623d"
              "00006b39"
              "180041f8"
              "20008be9"
              "a603897d"
              "2004804e");
}

TEST(PpcModules, NeedStubs) {
    TestModule module(EM_PPC64, ByteOrder::little);
    const Preparation preparation = module.relocator().prepare();
    ASSERT_TRUE(preparation.refusal);
    EXPECT_EQ(preparation.refusal->error, ENOEXEC);
    EXPECT_THAT(preparation.refusal->messages, testing::ElementsAre("module_64: m: doesn't contain .stubs."));
}

TEST(PpcModules, AlignTheToc) {
    PpcModule ppc;
    const Preparation preparation = ppc.module.relocator().prepare();
    ASSERT_EQ(preparation.changes.size(), 2U);
    EXPECT_EQ(preparation.changes[0].section, ppc.stubs_section);
    EXPECT_EQ(preparation.changes[0].size, 40U);
    EXPECT_EQ(preparation.changes[1].section, ppc.toc_section);
    EXPECT_EQ(preparation.changes[1].alignment, 8U);
}

TEST(PpcModules, WithoutATocCountFromTheStubs) {
    TestModule module(EM_PPC64, ByteOrder::little);
    const auto code = module.add_code(".text", text, "0000000000000000");
    const auto stubs_section = module.add_section({.name = ".stubs", .type = SHT_NOBITS});
    const auto rela = module.add_relocations(code, {{0, R_PPC64_TOC, 0, 0}});
    ASSERT_FALSE(module.relocator().prepare().refusal);
    module.place(stubs_section, stubs + 0xf8);
    EXPECT_FALSE(module.apply(rela).refusal);
    EXPECT_EQ(module.content(code), "00000200000008c0");
}

TEST(PpcModules, DefineTheTocSymbol) {
    PpcModule ppc;
    const auto dot_toc = ppc.module.add_symbol(".TOC.", 0), function = ppc.module.add_symbol(".foo", 0);
    const auto defined = ppc.module.add_symbol(".bar", 0, 2);
    const auto rela = ppc.module.add_relocations(ppc.text_section, {{0, R_PPC64_REL16_HA, dot_toc, 0}});
    ppc.set_text("00000000");
    ppc.load();
    EXPECT_EQ(ppc.module.image.symbols[dot_toc].name, "TOC.");
    EXPECT_EQ(ppc.module.image.symbols[dot_toc].section_index, SHN_ABS);
    EXPECT_EQ(ppc.module.image.symbols[function].name, "foo");
    EXPECT_EQ(ppc.module.image.symbols[defined].name, ".bar");
    EXPECT_FALSE(ppc.module.apply(rela).refusal);
    EXPECT_EQ(ppc.module.image.symbols[dot_toc].value, r2);
    EXPECT_EQ(ppc.text_content(), "02000000");
}

}  // namespace
}  // namespace klp::arch::ppc64le_relocator_test
