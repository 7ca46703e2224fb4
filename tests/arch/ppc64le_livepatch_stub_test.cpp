// SPDX-License-Identifier: GPL-2.0-or-later
// ppc64le: the stub that saves and restores r2 and LR, for calls of livepatch symbols that have no nop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/ppc64le/features.hpp"
#include "test_module.hpp"

namespace klp::arch::ppc64le_livepatch_stub_test {
namespace {

using test::message_of;
using TestModule = test::TestModule<ppc64le::Features>;

constexpr std::uint64_t text = 0xc008000000010000;
constexpr std::uint64_t stubs = 0xc008000000018000;
constexpr std::uint64_t toc = 0xc008000000020000;
constexpr std::uint64_t show_val_kb = 0xc000000000345678;
constexpr std::uint16_t shn_livepatch = 0xff20;

class PpcLivepatchStub : public testing::Test {
protected:
    PpcLivepatchStub() {
        module.features.dynamic_ftrace = false;
        module.features.livepatch_stubs = true;
        module.features.paca_thread_info_offset = 0x980;
        module.features.livepatch_sp_offset = 0x28;
    }

    Outcome relocate(std::string_view content, std::vector<std::uint64_t> offsets,
                     std::uint16_t section_index = shn_livepatch) {
        text_section = module.add_code(".text", text, content);
        stubs_section = module.add_section({.name = ".stubs", .type = SHT_NOBITS, .alignment = 8});
        const auto toc_section = module.add_section({.name = ".toc", .type = SHT_PROGBITS, .alignment = 8});
        const auto symbol = module.add_symbol(".klp.sym.vmlinux.show_val_kb,0", show_val_kb, section_index);
        std::vector<ImageRelocation> relocations;
        for (const std::uint64_t offset : offsets) relocations.push_back({offset, R_PPC64_REL24, symbol, 0});
        const auto rela = module.add_relocations(text_section, relocations);
        module.image.sections[rela].flags = SHF_ALLOC | elf::shf_rela_livepatch;
        EXPECT_FALSE(module.relocator().prepare().refusal);
        module.place(stubs_section, stubs);
        module.place(toc_section, toc);
        return module.apply(rela, ModuleState::live);
    }
    [[nodiscard]] std::string text_content() const { return module.content(text_section); }
    // The ordinary stubs come first: one for each symbol, and the zero at their end.
    [[nodiscard]] std::string livepatch_stub() const { return module.content(stubs_section).substr(2 * 80, 256); }
    [[nodiscard]] std::uint64_t livepatch_stubs() const {
        return (module.image.sections[stubs_section].size - 2 * 40) / 128;
    }

    TestModule module{EM_PPC64, ByteOrder::little};
    std::uint32_t text_section = 0, stubs_section = 0;
};

TEST_F(PpcLivepatchStub, IsMadeForACallWithoutANop) {
    EXPECT_EQ(message_of(relocate("01000048 0100623c", {0})), "");
    // bl stubs + 80; the next instruction stays.
    EXPECT_EQ(text_content(),
              "51800048"
              "0100623c");
    EXPECT_EQ(livepatch_stubs(), 1U);
    EXPECT_EQ(livepatch_stub(),
              "80098de9"
              "28006ce9"
              "18006b39"
              "28006cf9"  // livepatch_sp += 24
              "e8ff4bf8"
              "a602887d"
              "f0ff8bf9"  // r2, LR
              "ac57803d"
              "9d6e8c61"
              "f8ff8bf9"  // STACK_END_MAGIC
              "ffff623d"
              "50006b39"
              "78008be9"  // its own address: r2 - 0x10000 + 0x50
              "a603897d"
              "2104804e"  // bctrl
              "80098de9"
              "28006ce9"
              "ac57403c"
              "9d6e4260"
              "f8ff8be9"
              "88100c7f"
              "f0ff8be9"
              "a603887d"
              "e8ff4be8"
              "80098de9"
              "e8ff6b39"
              "28006cf9"
              "2000804e"
              "62757473"
              "00000000"
              "78563400000000c0");
}

TEST_F(PpcLivepatchStub, IsNotMadeWhereTheNopIs) {
    EXPECT_EQ(message_of(relocate("01000048 00000060", {0})), "");
    EXPECT_EQ(text_content(),
              "01800048"
              "180041e8");
    EXPECT_EQ(livepatch_stub(), std::string(256, '0'));
}

TEST_F(PpcLivepatchStub, IsSharedByCallsOfOneFunction) {
    EXPECT_EQ(message_of(relocate("01000048 0100623c 01000048 0100623c", {0, 8})), "");
    EXPECT_EQ(text_content(),
              "51800048"
              "0100623c"
              "49800048"
              "0100623c");
    EXPECT_EQ(module.content(stubs_section).substr(2 * (80 + 128)), std::string(256, '0'));
}

// `b`: the function returns to the caller of the code that has the branch, who trusts in r2 as well.
TEST_F(PpcLivepatchStub, IsMadeForASiblingCall) {
    EXPECT_EQ(message_of(relocate("00000048 00000060", {0})), "");
    EXPECT_EQ(text_content(),
              "50800048"
              "00000060");
}

TEST_F(PpcLivepatchStub, IsMadeForACallAtTheEndOfTheSection) {
    EXPECT_EQ(message_of(relocate("01000048", {0})), "");
    EXPECT_EQ(text_content(), "51800048");
}

TEST_F(PpcLivepatchStub, IsForLivepatchSymbolsAlone) {
    EXPECT_EQ(message_of(relocate("01000048 0100623c", {0}, SHN_UNDEF)),
              "module_64: m: Expected nop after call, got 3c620001 at 0xc008000000010004");
}

TEST_F(PpcLivepatchStub, IsInNoReleasedKernel) {
    module.features.livepatch_stubs = false;
    EXPECT_EQ(message_of(relocate("01000048 0100623c", {0})),
              "module_64: m: Expected nop after call, got 3c620001 at 0xc008000000010004");
    EXPECT_EQ(livepatch_stubs(), 0U);
}

TEST_F(PpcLivepatchStub, IsInNoOlderKernelEither) {
    module.features.livepatch_stubs = false;
    module.features.nop_message = ppc64le::NopMessage::expect_noop_after_relocate;
    EXPECT_EQ(message_of(relocate("01000048 0100623c", {0})), "module_64: m: Expect noop after relocate, got 3c620001");
}

TEST_F(PpcLivepatchStub, NeedsTheOffsetsOfTheLivepatchStack) {
    module.features.livepatch_sp_offset.reset();
    EXPECT_THROW(static_cast<void>(relocate("01000048 0100623c", {0})), Error);
}

}  // namespace
}  // namespace klp::arch::ppc64le_livepatch_stub_test
