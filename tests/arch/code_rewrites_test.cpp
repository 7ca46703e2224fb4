// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "arch/arm64/features.hpp"
#include "arch/code_rewrites.hpp"
#include "arch/ppc64le/features.hpp"
#include "arch/s390x/features.hpp"
#include "arch/x86_64/features.hpp"
#include "test_module.hpp"

namespace klp::arch::code_rewrites_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t text = 0xffffffffc0001000;
constexpr std::uint64_t table = 0xffffffffc0003000;
constexpr std::uint64_t kernel = 0xffffffff81000000;

// "ftrace-site .text+0x10 0f1f440000", "alternative .text+0x0..0x5".
std::string line(const ModuleImage& image, const CodeRewrite& each) {
    const std::string place =
        fmt::format("{} {}+{:#x}", name_of(each.mechanism), image.sections[each.section].name, each.range.begin);
    if (!each.after) return fmt::format("{}..{:#x}", place, each.range.end);
    EXPECT_EQ(each.after->size(), each.range.size());
    return fmt::format("{} {}", place, test::to_hex(*each.after));
}

template <typename Features>
class RewritesOf : public testing::Test {
protected:
    RewritesOf(std::uint16_t machine, ByteOrder order) : module(machine, order) {}

    [[nodiscard]] std::vector<std::string> lines() const {
        std::vector<std::string> all;
        for (const CodeRewrite& each : code_rewrites(module.architecture(), module.image, module.features, facts))
            all.push_back(line(module.image, each));
        return all;
    }
    std::string hex(std::uint64_t value, unsigned size) const {
        std::byte bytes[8];
        store<std::uint64_t>(MutableBytes(bytes), value, ByteOrder::big);
        std::vector<std::byte> out(bytes + 8 - size, bytes + 8);
        if (module.image.order == ByteOrder::little) std::ranges::reverse(out);
        return test::to_hex(out);
    }
    std::string hex32(std::uint64_t value) const { return hex(value, 4); }
    std::string hex64(std::uint64_t value) const { return hex(value, 8); }

    test::TestModule<Features> module;
    RunningFacts facts;
};

class Rewrites : public RewritesOf<x86_64::Features> {
protected:
    Rewrites() : RewritesOf(EM_X86_64, ByteOrder::little) {}
};

class Ppc64leRewrites : public RewritesOf<ppc64le::Features> {
protected:
    Ppc64leRewrites() : RewritesOf(EM_PPC64, ByteOrder::little) {}
};
class S390xRewrites : public RewritesOf<s390x::Features> {
protected:
    S390xRewrites() : RewritesOf(EM_S390, ByteOrder::big) {}
};
class Arm64Rewrites : public RewritesOf<arm64::Features> {
protected:
    Arm64Rewrites() : RewritesOf(EM_AARCH64, ByteOrder::little) {}
};

TEST_F(Rewrites, ModuleWithoutTablesStaysAsItIs) {
    module.add_code(".text", text, "e8000000000f1f00c3");
    EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(Rewrites, FtraceCallsBecomeNops) {
    module.add_code(".text", text,
                    "e811223344c3cccc"
                    "c39090909090"
                    "e855667788c3");
    module.add_code("__mcount_loc", table, hex64(text + 14) + hex64(0) + hex64(text + 8) + hex64(text) + hex64(kernel));
    EXPECT_THAT(lines(), ElementsAre("mcount-sort __mcount_loc+0x0 " + hex64(0) + hex64(kernel) + hex64(text) +
                                         hex64(text + 8) + hex64(text + 14),
                                     "ftrace-site .text+0x0 0f1f440000",    // not the one at 8, which is no call
                                     "ftrace-site .text+0xe 0f1f440000"));  // nor the one outside
    module.features.nops_by_cpu = true;
    EXPECT_THAT(lines(), ElementsAre(testing::_, "ftrace-site .text+0x0..0x5", "ftrace-site .text+0xe..0x13"));
    module.features.dynamic_ftrace = false;
    EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(Rewrites, FtraceSiteAtTheEndOfItsSectionIsLeft) {
    module.add_code(".text", text, "c3e8112233");
    module.add_code("__mcount_loc", table, hex64(text + 1));
    EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(Rewrites, ExceptionTableIsSortedAndItsDistancesFollow) {
    module.add_code(".text", text, "9090909090909090");
    // text+4 with fixup text+6, then text+1 with fixup text+7; the last field does not move.
    module.add_code("__ex_table", table,
                    hex32(text + 4 - table) + hex32(text + 6 - (table + 4)) + hex32(3) +
                        hex32(text + 1 - (table + 12)) + hex32(text + 7 - (table + 16)) + hex32(9));
    EXPECT_THAT(lines(),
                ElementsAre("extable-sort __ex_table+0x0 " + hex32(text + 1 - table) + hex32(text + 7 - (table + 4)) +
                            hex32(9) + hex32(text + 4 - (table + 12)) + hex32(text + 6 - (table + 16)) + hex32(3)));
}

// As on x86 before 5.16, where the last field is a distance to a handler.
TEST_F(Rewrites, HandlersOfExceptionsFollow) {
    module.features.exception_entry_size = 12;
    module.features.exception_handler = 8;
    module.add_code(".text", text, "9090909090909090");
    const auto entry = [&](std::uint64_t at, std::uint64_t code) {
        return hex32(text + code - at) + hex32(text + 6 - (at + 4)) + hex32(kernel - (at + 8));
    };
    module.add_code("__ex_table", table, entry(table, 4) + entry(table + 12, 1));
    EXPECT_THAT(lines(), ElementsAre("extable-sort __ex_table+0x0 " + entry(table, 1) + entry(table + 12, 4)));
}

TEST_F(Rewrites, ExceptionsWithoutAThirdFieldAreSorted) {
    module.features.exception_entry_size = 8;
    module.add_code(".text", text, "9090909090909090");
    const auto entry = [&](std::uint64_t at, std::uint64_t code) {
        return hex32(text + code - at) + hex32(text + 6 - (at + 4));
    };
    module.add_code("__ex_table", table, entry(table, 5) + entry(table + 8, 4) + entry(table + 16, 1));
    EXPECT_THAT(lines(), ElementsAre("extable-sort __ex_table+0x0 " + entry(table, 1) + entry(table + 8, 4) +
                                     entry(table + 16, 5)));
}

// Before 5.18, most entries had no handler.
TEST_F(S390xRewrites, HandlersOfExceptionsFollowWhereTheyAre) {
    module.features.exception_entry_size = 16;
    module.features.exception_handler = 8;
    module.add_code(".text", text, "0707070707070707");
    const auto entry = [&](std::uint64_t at, std::uint64_t code, std::uint64_t handler) {
        return hex32(text + code - at) + hex32(text + 6 - (at + 4)) + hex64(handler == 0 ? 0 : handler - (at + 8));
    };
    module.add_code("__ex_table", table, entry(table, 2, kernel) + entry(table + 16, 4, 0) + entry(table + 32, 0, 0));
    const std::string sorted = entry(table, 0, 0) + entry(table + 16, 2, kernel) + entry(table + 32, 4, 0);
    EXPECT_THAT(lines(), ElementsAre("extable-sort __ex_table+0x0 " + sorted));
    module.features.exception_handler = 0;
    EXPECT_THAT(lines(), testing::Not(ElementsAre("extable-sort __ex_table+0x0 " + sorted)));
}

TEST_F(Rewrites, SortedTablesAreNotMentioned) {
    module.add_code(
        "__ex_table", table,
        hex32(text + 1 - table) + hex32(0) + hex32(0) + hex32(text + 2 - (table + 12)) + hex32(0) + hex32(0));
    EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(Rewrites, OrderOfEqualExceptionsIsNotKnown) {
    module.add_code("__ex_table", table,
                    hex32(text - table) + hex32(1) + hex32(0) + hex32(text - (table + 12)) + hex32(2) + hex32(0));
    EXPECT_THAT(lines(), ElementsAre("extable-sort __ex_table+0x0..0x18"));
}

TEST_F(Rewrites, BothOrcTablesAreSorted) {
    module.add_code(".orc_unwind_ip", table,
                    hex32(text + 8 - table) + hex32(text - (table + 4)) + hex32(text + 4 - (table + 8)));
    module.add_code(".orc_unwind", table + 0x100,
                    "080008000800"
                    "000000000001"
                    "040004000401");
    EXPECT_THAT(lines(), ElementsAre("orc-sort .orc_unwind_ip+0x0 " + hex32(text - table) +
                                         hex32(text + 4 - (table + 4)) + hex32(text + 8 - (table + 8)),
                                     "orc-sort .orc_unwind+0x0 000000000001040004000401080008000800"));
}

TEST_F(Rewrites, OrcTerminatorsComeFirst) {
    const std::string same = hex32(text - table) + hex32(text - (table + 4));
    module.add_code(".orc_unwind_ip", table, same);
    // sp_reg 5; a terminator of 6.1: sp_reg 0, `end` not set.
    const auto entries = module.add_code(".orc_unwind", table + 0x100,
                                         "080000000500"
                                         "000000000000");
    EXPECT_THAT(lines(), ElementsAre("orc-sort .orc_unwind+0x0 000000000000080000000500"));
    // `end` set, sp_reg 0: none, so that both are of one kind and nobody knows.
    module.image.sections[entries].memory[11] = std::byte{4};
    EXPECT_THAT(lines(), ElementsAre("orc-sort .orc_unwind+0x0..0xc"));
    // By type: ORC_TYPE_CALL is 2, ORC_TYPE_UNDEFINED is 0.
    module.features.orc_terminator_by_type = true;
    module.image.sections[entries].memory[5] = std::byte{2};
    module.image.sections[entries].memory[11] = std::byte{8};
    EXPECT_THAT(lines(), ElementsAre("orc-sort .orc_unwind+0x0 000000000008080000000502"));
}

TEST_F(Rewrites, TablesOfDistancesNameWhatTheCpuDecides) {
    module.add_code(".text", text,
                    "ff e0 cccccc"
                    "0f8400000000"
                    "2ee900000000"
                    "e900000000"
                    "f30f1efa");
    module.add_code(".retpoline_sites", table,
                    hex32(text - table) + hex32(text + 5 - (table + 4)) + hex32(text + 11 - (table + 8)));
    module.add_code(".return_sites", table + 0x100, hex32(text + 17 - (table + 0x100)));
    module.add_code(".ibt_endbr_seal", table + 0x200, hex32(text + 22 - (table + 0x200)));
    EXPECT_THAT(lines(),
                ElementsAre("retpoline .text+0x0..0x5", "retpoline .text+0x5..0xb", "retpoline .text+0xb..0x11",
                            "return-thunk .text+0x11..0x16", "ibt-seal .text+0x16..0x1a"));
}

TEST_F(Rewrites, CallDepthTrackingUsesTheRoomBeforeTheCallee) {
    module.add_code(".text", text, "e81b000000" + std::string(2 * 27, '9') + "c3");
    module.add_code(".call_sites", table, hex32(text - table));
    EXPECT_THAT(lines(), ElementsAre("call-depth .text+0x0..0x5", "call-depth .text+0x10..0x20"));
}

TEST_F(Rewrites, FineIbtNeedsPreambles) {
    module.add_code(".text", text, std::string(2 * 64, '9'));
    module.add_code(".retpoline_sites", table, hex32(text + 48 - table));
    EXPECT_THAT(lines(), ElementsAre("retpoline .text+0x30..0x35"));
    module.add_code(".cfi_sites", table + 0x100, hex32(text - (table + 0x100)));
    EXPECT_THAT(lines(),
                ElementsAre("fineibt .text+0x0..0x14", "fineibt .text+0x22..0x35", "retpoline .text+0x30..0x35"));
}

TEST_F(Rewrites, ParavirtSitesHoldAddresses) {
    module.add_code(".text", text, "9090909090909090");
    module.add_code(".parainstructions", table,
                    hex64(text + 1) + "2e06000000000000" + hex64(kernel) + "2e06000000000000" + hex64(text) +
                        "51010100");  // the last one has no padding
    EXPECT_THAT(lines(), ElementsAre("paravirt .text+0x1..0x7", "paravirt .text+0x0..0x1"));
}

TEST_F(Rewrites, AlternativesOfBothSizes) {
    module.add_code(".text", text, "909090909090909090");
    const std::string first = hex32(text - table) + hex32(0);
    const auto old_table = module.add_code(".altinstructions", table,
                                           first +
                                               "0100"
                                               "0503" +
                                               hex32(text + 5 - (table + 12)) + hex32(0) +
                                               "0200"
                                               "0400");
    module.add_relocations(old_table, {{0}, {4}, {12}, {16}});
    EXPECT_THAT(lines(), ElementsAre("alternative .text+0x0..0x5", "alternative .text+0x5..0x9"));
    module.image.sections[old_table].name = ".old";
    const auto new_table = module.add_code(".altinstructions", table,
                                           first +
                                               "01000000"
                                               "0503" +
                                               hex32(text + 5 - (table + 14)) + hex32(0) +
                                               "02000000"
                                               "0400");
    module.add_relocations(new_table, {{14}, {18}, {0}, {4}});
    EXPECT_THAT(lines(), ElementsAre("alternative .text+0x0..0x5", "alternative .text+0x5..0x9"));
    module.image.sections.back().relocations.clear();
    EXPECT_THROW(static_cast<void>(lines()), Error);
}

TEST_F(Rewrites, LockPrefixesOfOneCpu) {
    module.add_code(".text", text,
                    "f0ff00"
                    "90ff00");
    module.add_code(".init.text", text + 0x100, "f0ff00");
    module.add_code(".smp_locks", table,
                    hex32(text - table) + hex32(text + 3 - (table + 4)) + hex32(text + 0x100 - (table + 8)));
    EXPECT_THAT(lines(), ElementsAre("smp-lock .text+0x0..0x1"));
    facts.uniprocessor = false;
    EXPECT_THAT(lines(), IsEmpty());
    facts.uniprocessor = true;
    EXPECT_THAT(lines(), ElementsAre("smp-lock .text+0x0 3e"));
    module.features.smp_locks = false;
    EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(Rewrites, CallsOfFtraceAtHookedFunctions) {
    module.add_code(".text", text,
                    "f30f1efae800000000c390"
                    "e800000000c3");
    module.add_code("__mcount_loc", table, hex64(text + 4) + hex64(text + 11));
    const std::vector<Range> hooked = {{text, text + 10}, {kernel, kernel + 8}};
    const auto rewrites = ftrace_call_rewrites(module.architecture(), module.image, module.features, hooked);
    ASSERT_EQ(rewrites.size(), 1U);
    EXPECT_EQ(line(module.image, rewrites.front()), "ftrace-call .text+0x4..0x9");
}

TEST_F(Arm64Rewrites, CallsOfFtraceHaveAPointerBeforeTheFunction) {
    module.features.ftrace_call_ops = true;
    module.add_code(".text", text, std::string(80, '0'));
    module.add_code("__patchable_function_entries", table, hex64(text) + hex64(text + 0x18));
    const std::vector<Range> hooked = {{text + 8, text + 0x10}};
    const auto rewrites = ftrace_call_rewrites(module.architecture(), module.image, module.features, hooked);
    ASSERT_EQ(rewrites.size(), 1U);
    EXPECT_EQ(line(module.image, rewrites.front()), "ftrace-call .text+0x0..0x14");
}

class JumpLabels : public Rewrites {
protected:
    JumpLabels() {
        module.add_code(".text", text,
                        "6690"
                        "0f1f440000"
                        "eb03"
                        "e904030000"
                        "c3c3c3c3c3");
        module.add_code(".data", table + 0x800, "0000000000000000");
    }
    std::string entry(std::uint64_t at, std::uint64_t code, std::uint64_t target, std::uint64_t key) const {
        return hex32(code - at) + hex32(target - (at + 4)) + hex64(key - (at + 8));
    }
};

TEST_F(JumpLabels, AreSortedByKeyAndCode) {
    module.add_code("__jump_table", table,
                    entry(table, text + 2, text + 9, kernel + 0x10) + entry(table + 16, text, text + 2, kernel + 0x10) +
                        entry(table + 32, text + 7, text + 12, kernel + 1));
    EXPECT_THAT(lines(),
                ElementsAre("jump-label-sort __jump_table+0x0 " + entry(table, text + 7, text + 12, kernel + 1) +
                                entry(table + 16, text, text + 2, kernel + 0x10) +
                                entry(table + 32, text + 2, text + 9, kernel + 0x10),
                            "jump-label .text+0x7..0x9", "jump-label .text+0x0..0x2", "jump-label .text+0x2..0x7"));
    module.features.jump_label = false;
    EXPECT_THAT(lines(), IsEmpty());
}

// Three addresses, on kernels without CONFIG_HAVE_ARCH_JUMP_LABEL_RELATIVE.
TEST_F(JumpLabels, AreAddressesOnOlderKernels) {
    module.features.jump_label_relative = false;
    const auto jump = [&](std::uint64_t code, std::uint64_t target, std::uint64_t key) {
        return hex64(code) + hex64(target) + hex64(key);
    };
    module.add_code(".init.text", text + 0x100, "6690");
    const auto index = module.add_code("__jump_table", table,
                                       jump(text + 2, text + 9, kernel + 0x20) + jump(text, text + 2, kernel + 0x10) +
                                           jump(text + 0x100, text + 0x100, kernel + 0x31));
    EXPECT_THAT(
        lines(),
        ElementsAre("jump-label-sort __jump_table+0x0 " + jump(text, text + 2, kernel + 0x10) +
                        jump(text + 2, text + 9, kernel + 0x20) + jump(text + 0x100, text + 0x100, kernel + 0x33),
                    "jump-label .text+0x0..0x2", "jump-label .text+0x2..0x7", "jump-label .init.text+0x0..0x2"));
    facts.static_key = [](std::uint64_t) { return std::optional(StaticKeyState{.enabled = true}); };
    EXPECT_THAT(lines(), ElementsAre(testing::_, "jump-label .text+0x0 eb00", "jump-label .text+0x2 e902000000",
                                     "jump-label .init.text+0x0 6690"));
    // What the order is of those with one key, depends on the version.
    facts.static_key = {};
    store<std::uint64_t>(module.image.sections[index].memory.subspan(16), kernel + 0x10, ByteOrder::little);
    EXPECT_THAT(lines(), testing::Contains("jump-label-sort __jump_table+0x0..0x48"));
    EXPECT_THAT(lines(), testing::Contains("jump-label .text+0x2..0x7"));
    // A rest is none.
    module.image.sections[index].memory = module.image.sections[index].memory.first(40);
    EXPECT_THAT(lines(), ElementsAre("jump-label .text+0x2..0x7"));
}

TEST_F(JumpLabels, OfTheInitAreaAreMarked) {
    module.add_code(".init.text", text + 0x100, "6690");
    module.add_code("__jump_table", table, entry(table, text + 0x100, text, kernel));
    EXPECT_THAT(lines(), ElementsAre("jump-label-sort __jump_table+0x0 " + entry(table, text + 0x100, text, kernel + 2),
                                     "jump-label .init.text+0x0..0x2"));
}

TEST_F(JumpLabels, FollowKeysOfTheKernel) {
    const std::string places = entry(table, text, text + 5, kernel) + entry(table + 16, text + 2, text + 9, kernel) +
                               entry(table + 32, text + 7, text + 12, kernel + 1) +
                               entry(table + 48, text + 9, text, kernel + 1) +
                               entry(table + 64, text + 14, text, table + 0x800);
    module.add_code("__jump_table", table, places);
    StaticKeyState state;
    facts.static_key = [&](std::uint64_t key) {
        EXPECT_EQ(key, kernel);  // never the module's own
        return std::optional(state);
    };
    EXPECT_THAT(lines(), ElementsAre("jump-label .text+0xe..0x13"));
    state.enabled = true;
    EXPECT_THAT(lines(),
                ElementsAre("jump-label .text+0x0 eb03", "jump-label .text+0x2 e902000000", "jump-label .text+0x7 6690",
                            "jump-label .text+0x9 0f1f440000", "jump-label .text+0xe..0x13"));
    module.features.nops_by_cpu = true;
    EXPECT_THAT(lines(),
                ElementsAre("jump-label .text+0x0 eb03", "jump-label .text+0x2 e902000000", "jump-label .text+0x7 6690",
                            "jump-label .text+0x9..0xe", "jump-label .text+0xe..0x13"));
    state.initially_enabled = true;
    EXPECT_THAT(lines(), ElementsAre("jump-label .text+0x2..0x7", "jump-label .text+0xe..0x13"));
    module.features.nops_by_cpu = false;
    EXPECT_THAT(lines(), ElementsAre("jump-label .text+0xe..0x13"));
}

TEST_F(Rewrites, StaticCallsGoWhereTheKernelSays) {
    module.add_code(".text", text,
                    "e800000000"
                    "0f8400000000");
    module.add_code(".static_call_sites", table,
                    hex32(text - table) + hex32(kernel) + hex32(text + 5 - (table + 8)) + hex32(kernel));
    EXPECT_THAT(lines(), ElementsAre("static-call-sort .static_call_sites+0x0..0x10", "static-call .text+0x0..0x5",
                                     "static-call .text+0x5..0xb"));
    module.features.static_call_inline = false;
    EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(Rewrites, ComeInTheOrderOfTheKernel) {
    module.add_code(".text", text,
                    "e811223344"
                    "e900000000");
    module.add_code("__mcount_loc", table, hex64(text));
    module.add_code(".return_sites", table + 0x100, hex32(text + 5 - (table + 0x100)));
    module.add_code(".retpoline_sites", table + 0x200, hex32(text - (table + 0x200)));
    const auto rewrites = code_rewrites(module.architecture(), module.image, module.features);
    ASSERT_EQ(rewrites.size(), 3u);
    EXPECT_TRUE(std::ranges::is_sorted(rewrites, {}, &CodeRewrite::mechanism));
    // Where they overlap, the last one counts.
    write_rewrites(module.image, rewrites);
    EXPECT_EQ(module.content(rewrites[0].section), "0f1f440000e900000000");
}

TEST_F(Rewrites, EveryMechanismHasANameAndAReason) {
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(Mechanism::static_call); ++i) {
        names.insert(name_of(static_cast<Mechanism>(i)));
        EXPECT_THAT(reason_of(static_cast<Mechanism>(i)), testing::HasSubstr("()"));
    }
    EXPECT_EQ(names.size(), static_cast<std::size_t>(Mechanism::static_call) + 1);
    EXPECT_FALSE(names.contains(""));
}

TEST_F(Rewrites, LiveData) {
    const auto is_live = [](std::string name, std::uint64_t flags) {
        return is_live_data(for_name("x86_64"), {.name = std::move(name), .flags = flags});
    };
    EXPECT_TRUE(is_live(".data", SHF_ALLOC | SHF_WRITE));
    EXPECT_TRUE(is_live(".gnu.linkonce.this_module", SHF_ALLOC | SHF_WRITE));
    EXPECT_FALSE(is_live("__jump_table", SHF_ALLOC | SHF_WRITE));
    EXPECT_TRUE(is_live("__bug_table", SHF_ALLOC | SHF_WRITE));  // WARN_ONCE() marks its entry
    EXPECT_FALSE(is_live(".rodata", SHF_ALLOC));
}

TEST_F(Ppc64leRewrites, CallsOfMcountBecomeNops) {
    module.add_code(".text", text,
                    "a602087c"
                    "01000048"
                    "a602087c"
                    "00000048");
    module.add_code("__mcount_loc", table, hex64(text + 4) + hex64(text + 12));
    EXPECT_THAT(lines(), ElementsAre("ftrace-site .text+0x4 00000060"));  // the other is `b`
    module.features.ftrace_stubs_use_kernel_toc = false;
    EXPECT_THAT(lines(), ElementsAre("ftrace-site .text+0x4 08000048"));
}

TEST_F(Ppc64leRewrites, PatchableEntries) {
    module.features.patchable_entry = true;
    module.add_code(".text", text,
                    "00000060"
                    "00000060"
                    "a602087c");
    module.add_code(".stubs", text + 0x100, "0000000000000000");
    module.add_code("__patchable_function_entries", table, hex64(text) + hex64(text + 8));
    EXPECT_THAT(lines(), ElementsAre("ftrace-site .text+0x0 a602087c"));
    module.features.out_of_line_stub_size = 16;
    EXPECT_THAT(lines(), ElementsAre("ftrace-site .stubs+0x0..0x8"));
}

TEST_F(Ppc64leRewrites, FeatureFixups) {
    module.add_code(".text", text, std::string(2 * 32, '0'));
    const auto fixup = [&](std::uint64_t at, std::uint64_t begin, std::uint64_t end) {
        return hex64(1) + hex64(1) + hex64(begin - at) + hex64(end - at) + hex64(0) + hex64(0);
    };
    module.add_code("__fw_ftr_fixup", table, fixup(table, text, text + 4));
    module.add_code("__ftr_fixup", table + 0x100,
                    fixup(table + 0x100, text + 8, text + 20) + fixup(table + 0x130, kernel, kernel + 4) +
                        fixup(table + 0x160, text + 20, text + 20));
    module.add_code("__spec_barrier_fixup", table + 0x200, hex64(text + 24 - (table + 0x200)));
    module.add_code("__lwsync_fixup", table + 0x300, hex64(text + 28 - (table + 0x300)));
    EXPECT_THAT(lines(), ElementsAre("feature-fixup .text+0x8..0x14", "feature-fixup .text+0x0..0x4",
                                     "barrier-nospec .text+0x18..0x1c", "lwsync-fixup .text+0x1c..0x20"));
}

TEST_F(Ppc64leRewrites, ExceptionsAndJumpLabels) {
    module.add_code(".text", text,
                    "00000060"
                    "00000060");
    module.add_code("__ex_table", table, hex32(text + 4 - table) + hex32(1) + hex32(text - (table + 8)) + hex32(2));
    module.add_code(
        "__jump_table", table + 0x100,
        hex32(text + 4 - (table + 0x100)) + hex32(text - (table + 0x104)) + hex64(kernel - (table + 0x108)));
    facts.static_key = [](std::uint64_t) { return std::optional(StaticKeyState{.enabled = true}); };
    EXPECT_THAT(lines(), ElementsAre("extable-sort __ex_table+0x0 " + hex32(text - table) + hex32(2 + 8) +
                                         hex32(text + 4 - (table + 8)) + hex32(1 - 8),
                                     "jump-label .text+0x4 fcffff4b"));  // b .-4
}

TEST_F(S390xRewrites, FtraceSitesLeadToTrampolines) {
    module.add_code(".text", text,
                    "c00400000000"
                    "c00400000000"
                    "0700"
                    "c00400000000");
    // A zero is padding, and no site.
    module.add_code("__mcount_loc", table,
                    hex64(0) + hex64(text) + hex64(text + 6) + hex64(text + 12) + hex64(text + 14));
    EXPECT_THAT(lines(), ElementsAre("ftrace-site .text+0x2..0x6", "ftrace-site .text+0x8..0xc",
                                     "ftrace-site .text+0x10..0x14"));
    // 24 bytes each; a site that is none has used one up.
    facts.ftrace_trampolines = text + 0x1000;
    EXPECT_THAT(lines(), ElementsAre("ftrace-site .text+0x2 00000800", "ftrace-site .text+0x8 00000809",
                                     "ftrace-site .text+0x10 0000081d"));
}

TEST_F(S390xRewrites, AlternativesOfBothSizes) {
    module.add_code(".text", text, std::string(2 * 16, '0'));
    const auto alternatives = module.add_code(".altinstructions", table,
                                              hex32(text - table) + hex32(0) +
                                                  "0001"
                                                  "06" +
                                                  hex32(text + 6 - (table + 11)) + hex32(0) +
                                                  "0001"
                                                  "04");
    EXPECT_THAT(lines(), ElementsAre("alternative .text+0x0..0x6", "alternative .text+0x6..0xa"));
    module.image.sections[alternatives].name = ".old";
    module.features.alternative_size = 13;
    module.add_code(".altinstructions", table,
                    hex32(text - table) + hex32(0) +
                        "00000001"
                        "06" +
                        hex32(text + 6 - (table + 13)) + hex32(0) +
                        "00000001"
                        "04");
    EXPECT_THAT(lines(), ElementsAre("alternative .text+0x0..0x6", "alternative .text+0x6..0xa"));
}

// What is replaced may be longer than its replacement, whose length comes last.
TEST_F(S390xRewrites, AlternativesOfTwoLengths) {
    module.features.alternative_size = 12;
    module.add_code(".text", text, std::string(2 * 16, '0'));
    module.add_code(".altinstructions", table,
                    hex32(text - table) + hex32(0) +
                        "0001"
                        "0602");
    EXPECT_THAT(lines(), ElementsAre("alternative .text+0x0..0x6"));
}

TEST_F(S390xRewrites, JumpLabelsOfOlderKernels) {
    module.features.jump_label_relative = false;
    module.add_code(".text", text,
                    "c00400000000"
                    "c0f400000000");
    module.add_code(
        "__jump_table", table,
        hex64(text) + hex64(text + 12) + hex64(kernel) + hex64(text + 6) + hex64(text + 12) + hex64(kernel + 9));
    EXPECT_THAT(lines(), ElementsAre("jump-label .text+0x0..0x6", "jump-label .text+0x6..0xc"));
    facts.static_key = [](std::uint64_t) { return std::optional(StaticKeyState{.enabled = true}); };
    EXPECT_THAT(lines(), ElementsAre("jump-label .text+0x0 c0f400000006", "jump-label .text+0x6 c00400000003"));
}

TEST_F(Ppc64leRewrites, JumpLabelsOfOlderKernels) {
    module.features.jump_label_relative = false;
    module.add_code(".text", text,
                    "00000060"
                    "00000060");
    module.add_code("__jump_table", table, hex64(text + 4) + hex64(text) + hex64(kernel));
    facts.static_key = [](std::uint64_t) { return std::optional(StaticKeyState{.enabled = true}); };
    EXPECT_THAT(lines(), ElementsAre("jump-label .text+0x4 fcffff4b"));  // b .-4
}

TEST_F(Arm64Rewrites, JumpLabelsOfOlderKernels) {
    module.features.jump_label_relative = false;
    module.add_code(".text", text,
                    "1f2003d5"
                    "1f2003d5");
    module.add_code("__jump_table", table, hex64(text + 4) + hex64(text) + hex64(kernel));
    facts.static_key = [](std::uint64_t) { return std::optional(StaticKeyState{.enabled = true}); };
    EXPECT_THAT(lines(), ElementsAre("jump-label .text+0x4 ffffff17"));  // b .-4
}

TEST_F(S390xRewrites, ExpolinesAreRevertedWhereTheyAreSwitchedOff) {
    module.add_code(".text", text,
                    "c0f400000000"
                    "c0e500000000"
                    "c01000000000");
    module.add_code(".s390_indirect_branches", table, hex32(text - table));
    module.add_code(".s390_return_mem", table + 0x100, hex32(text + 6 - (table + 0x100)));
    module.add_code("__stack_protector_loc", table + 0x200, hex64(text + 12));
    EXPECT_THAT(lines(),
                ElementsAre("expoline .text+0x0..0x6", "expoline .text+0x6..0xc", "stack-protector .text+0xc..0x12"));
    module.features.expoline = true;
    EXPECT_THAT(lines(), ElementsAre("stack-protector .text+0xc..0x12"));
}

TEST_F(S390xRewrites, JumpLabels) {
    module.add_code(".text", text,
                    "c00400000000"
                    "c0f400000000");
    const auto entry = [&](std::uint64_t at, std::uint64_t code, std::uint64_t key) {
        return hex32(code - at) + hex32(text + 12 - (at + 4)) + hex64(key - (at + 8));
    };
    module.add_code("__jump_table", table, entry(table, text, kernel) + entry(table + 16, text + 6, kernel + 1));
    EXPECT_THAT(lines(), ElementsAre("jump-label .text+0x0..0x6", "jump-label .text+0x6..0xc"));
    facts.static_key = [](std::uint64_t) { return std::optional(StaticKeyState{.enabled = true}); };
    EXPECT_THAT(lines(), ElementsAre("jump-label .text+0x0 c0f400000006", "jump-label .text+0x6 c00400000003"));
}

TEST_F(Arm64Rewrites, FtraceSitesWithOps) {
    module.add_code(".text", text,
                    "1f2003d51f2003d5"
                    "1f2003d51f2003d5"  // ops, two nops
                    "1f2003d51f2003d5"
                    "5f2403d51f2003d5");  // ops, bti c, nop
    module.add_code("__patchable_function_entries", table, hex64(text) + hex64(text + 16) + hex64(text + 20));
    EXPECT_THAT(lines(), ElementsAre("ftrace-site .text+0x0..0x8", "ftrace-site .text+0x8 e9031eaa",
                                     "ftrace-site .text+0x10..0x18", "ftrace-site .text+0x1c e9031eaa"));
    module.features.ftrace_nop_ops = 0xffff800081234560;
    EXPECT_THAT(lines(), testing::Contains("ftrace-site .text+0x10 604523810080ffff"));
}

TEST_F(Arm64Rewrites, FtraceSitesWithoutOps) {
    module.features.ftrace_call_ops = false;
    module.add_code(".text", text,
                    "1f2003d51f2003d5"
                    "c0035fd6");
    module.add_code("__patchable_function_entries", table, hex64(text) + hex64(text + 8));
    EXPECT_THAT(lines(), ElementsAre("ftrace-site .text+0x0 e9031eaa"));
}

TEST_F(Arm64Rewrites, AlternativesAndJumpLabels) {
    module.add_code(".text", text,
                    "1f2003d5"
                    "1f2003d5");
    module.add_code(".altinstructions", table,
                    hex32(text - table) + hex32(0) +
                        "0100"
                        "0404");
    module.add_code(
        "__jump_table", table + 0x100,
        hex32(text + 4 - (table + 0x100)) + hex32(text - (table + 0x104)) + hex64(kernel - (table + 0x108)));
    facts.static_key = [](std::uint64_t) { return std::optional(StaticKeyState{.enabled = true}); };
    EXPECT_THAT(lines(), ElementsAre("alternative .text+0x0..0x4", "jump-label .text+0x4 ffffff17"));  // b .-4
}

TEST_F(Arm64Rewrites, PointerAuthenticationBecomesAShadowCallStack) {
    module.add_code(".text", text,
                    "3f2303d5"
                    "c0035fd6"
                    "bf2303d5");
    module.add_code(".init.eh_frame", table, "00000000");
    EXPECT_THAT(lines(), IsEmpty());
    module.features.dynamic_scs = true;
    EXPECT_THAT(lines(), ElementsAre("shadow-call-stack .text+0x0..0x4", "shadow-call-stack .text+0x8..0xc"));
}

}  // namespace
}  // namespace klp::arch::code_rewrites_test
