// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "format/livepatch.hpp"

namespace klp::format {
namespace {

struct SymbolCase {
    std::string text;
    SymbolName name;
};

class SymbolNames : public testing::TestWithParam<SymbolCase> {};

TEST_P(SymbolNames, AreReadAndMade) {
    const auto& [text, name] = GetParam();
    const auto parsed = parse_symbol_name(text);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->object, name.object);
    EXPECT_EQ(parsed->symbol, name.symbol);
    EXPECT_EQ(parsed->sympos, name.sympos);
    EXPECT_EQ(make_symbol_name(name), text);
}

INSTANTIATE_TEST_SUITE_P(
    Format, SymbolNames,
    testing::Values(SymbolCase{".klp.sym.vmlinux.printk,0", {"vmlinux", "printk", 0}},
                    SymbolCase{".klp.sym.btrfs.can_modify_feature.isra.3,0", {"btrfs", "can_modify_feature.isra.3", 0}},
                    SymbolCase{".klp.sym.nf_conntrack.__func__.12,17", {"nf_conntrack", "__func__.12", 17}},
                    SymbolCase{".klp.sym.vmlinux..Ltmp,4294967295", {"vmlinux", ".Ltmp", 4294967295}}));

TEST(SymbolName, ThatIsNotOfTheFormatIsNotRead) {
    for (const std::string_view text :
         {"", "printk", ".klp.sym.", ".klp.sym.vmlinux", ".klp.sym.vmlinux.printk", ".klp.sym.vmlinux.,0",
          ".klp.sym..printk,0", ".klp.sym.vmlinux.printk,", ".klp.sym.vmlinux.printk,-1", ".klp.sym.vmlinux.printk, 1",
          ".klp.sym.vmlinux.printk,1x", ".klp.sym.vmlinux.printk,4294967296", ".klp.rela.vmlinux..text",
          "klp.sym.vmlinux.printk,0"}) {
        EXPECT_FALSE(parse_symbol_name(text).has_value()) << text;
    }
}

TEST(SymbolName, PositionFollowsTheLastComma) {
    EXPECT_EQ(parse_symbol_name(".klp.sym.vmlinux.a,b,2")->symbol, "a,b");
    EXPECT_EQ(parse_symbol_name(".klp.sym.vmlinux.a,b,2")->sympos, 2U);
}

TEST(SymbolName, HasTheWidthsOfTheKernel) {
    const std::string object(longest_object_name, 'o');
    const std::string symbol(longest_symbol_name, 's');
    EXPECT_EQ(parse_symbol_name(make_symbol_name({object, symbol, 1}))->symbol, symbol);
    EXPECT_FALSE(parse_symbol_name(".klp.sym." + object + "o.f,0").has_value());
    EXPECT_FALSE(parse_symbol_name(".klp.sym.ext4." + symbol + "s,0").has_value());
}

TEST(SymbolName, ThatTheKernelWouldMisreadIsNotMade) {
    EXPECT_THROW(static_cast<void>(make_symbol_name({"", "f", 0})), Error);
    EXPECT_THROW(static_cast<void>(make_symbol_name({"a.b", "f", 0})), Error);
    EXPECT_THROW(static_cast<void>(make_symbol_name({"vmlinux", "", 0})), Error);
    EXPECT_THROW(static_cast<void>(make_symbol_name({"vmlinux", "a,b", 0})), Error);
    EXPECT_THROW(static_cast<void>(make_symbol_name({std::string(56, 'o'), "f", 0})), Error);
    EXPECT_THROW(static_cast<void>(make_symbol_name({"vmlinux", std::string(512, 's'), 0})), Error);
}

struct RelaCase {
    std::string text;
    RelaName name;
};

class RelaNames : public testing::TestWithParam<RelaCase> {};

TEST_P(RelaNames, AreReadAndMade) {
    const auto& [text, name] = GetParam();
    const auto parsed = parse_rela_name(text);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->object, name.object);
    EXPECT_EQ(parsed->section, name.section);
    EXPECT_EQ(make_rela_name(name), text);
}

INSTANTIATE_TEST_SUITE_P(Format, RelaNames,
                         testing::Values(RelaCase{".klp.rela.vmlinux..text", {"vmlinux", ".text"}},
                                         RelaCase{".klp.rela.ext4..text.ext4_attr_show",
                                                  {"ext4", ".text.ext4_attr_show"}},
                                         RelaCase{".klp.rela.vmlinux.__bug_table", {"vmlinux", "__bug_table"}},
                                         RelaCase{".klp.rela.9p.text.caches.show", {"9p", "text.caches.show"}}));

TEST(RelaName, ThatIsNotOfTheFormatIsNotRead) {
    for (const std::string_view text :
         {"", ".rela.text", ".klp.rela.", ".klp.rela.vmlinux", ".klp.rela.vmlinux.", ".klp.rela..text"}) {
        EXPECT_FALSE(parse_rela_name(text).has_value()) << text;
    }
    EXPECT_THROW(static_cast<void>(make_rela_name({"vmlinux", ""})), Error);
    EXPECT_THROW(static_cast<void>(make_rela_name({"a.b", ".text"})), Error);
}

}  // namespace
}  // namespace klp::format
