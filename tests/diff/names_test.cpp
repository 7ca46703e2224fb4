// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/names.hpp"

#include <gtest/gtest.h>

namespace klp::diff {
namespace {

TEST(BaseName, LosesCounters) {
    EXPECT_EQ(base_name("count.12"), "count");
    EXPECT_EQ(base_name("foo.constprop.0"), "foo.constprop");
    EXPECT_EQ(base_name("foo.isra.0.cold"), "foo.isra.cold");
    EXPECT_EQ(base_name("C.12.3"), "C");
    EXPECT_EQ(base_name("__UNIQUE_ID_ddebug123.4"), "__UNIQUE_ID_ddebug");
    EXPECT_EQ(base_name("__initcall__kmod_pci__432_4885_start6"), "__initcall__kmod_pci____start");
    EXPECT_EQ(base_name("__BTF_ID__struct__file__8347348"), "__BTF_ID__struct__file__");
    EXPECT_EQ(base_name("__BTF_ID__func__f2__12"), "__BTF_ID__func__f2__");
    EXPECT_EQ(base_name(".LC12"), ".LC");
}

TEST(BaseName, KeepsWhatBelongsToTheName) {
    EXPECT_EQ(base_name("sha256"), "sha256");
    EXPECT_EQ(base_name("__BTF_ID__set__set8"), "__BTF_ID__set__set8");  // has none
    EXPECT_EQ(base_name(".text.f2"), ".text.f2");
    EXPECT_EQ(base_name("e1000.part"), "e1000.part");
    EXPECT_EQ(base_name(""), "");
}

TEST(SameButNumber, ComparesNamesWithCounters) {
    EXPECT_TRUE(same_but_number("f", "f"));
    EXPECT_TRUE(same_but_number("count.3", "count.12"));
    EXPECT_TRUE(same_but_number("f.constprop.0", "f.constprop.1"));
    EXPECT_TRUE(same_but_number("f.part.0.cold", "f.part.1.cold"));
    EXPECT_TRUE(same_but_number("f.var.2", "f.var.7"));  // clang's
    EXPECT_FALSE(same_but_number("f", "f.1"));
    EXPECT_FALSE(same_but_number("f.1", "f"));
    EXPECT_FALSE(same_but_number("f.isra.0", "f.part.0"));
    EXPECT_FALSE(same_but_number("f1", "f2"));
    EXPECT_FALSE(same_but_number("f.1", "g.1"));
}

// The first of a name has no number.
TEST(SameButNumber, ComparesWhatClangNumbersFromTheSecondOn) {
    EXPECT_TRUE(same_but_number("f.var", "f.var.1"));
    EXPECT_TRUE(same_but_number(".compoundliteral", ".compoundliteral.3"));
    EXPECT_FALSE(same_but_number("f.var", "g.var.1"));
    EXPECT_FALSE(same_but_number("f.llvm.1", "f.llvm"));
    EXPECT_FALSE(same_but_number("f.var.x", "f.var.x.1"));
}

TEST(VariableName, IsWhatTheSourceHas) {
    EXPECT_EQ(variable_name("f.var"), "var");
    EXPECT_EQ(variable_name("var"), "var");
    EXPECT_TRUE(is_message_state("f.__already_done"));
    EXPECT_TRUE(is_lock_class_key("f.__key"));
    EXPECT_TRUE(is_lock_class_key("__key"));
    EXPECT_FALSE(is_message_state("f.count"));
}

TEST(Variant, IsWhatTheCompilerMakesOfAName) {
    EXPECT_TRUE(is_variant_of("f.isra.0", "f"));
    EXPECT_TRUE(is_variant_of("count.12", "count"));
    EXPECT_FALSE(is_variant_of("f", "f"));
    EXPECT_FALSE(is_variant_of("foo.1", "f"));
    EXPECT_FALSE(is_variant_of("f_x", "f"));
}

TEST(AssemblerLabel, IsNoName) {
    EXPECT_TRUE(is_assembler_label(".LC0"));
    EXPECT_TRUE(is_assembler_label("$d"));
    EXPECT_FALSE(is_assembler_label("L"));
    EXPECT_FALSE(is_assembler_label("f$d"));
}

TEST(ColdPart, NamesItsFunction) {
    EXPECT_EQ(parent_of_cold("f.cold"), "f");
    EXPECT_EQ(parent_of_cold("f.isra.0.cold"), "f.isra.0");
    EXPECT_EQ(parent_of_cold("f.cold.3"), "f");
    EXPECT_EQ(parent_of_cold("f.colder"), std::nullopt);
    EXPECT_EQ(parent_of_cold("cold"), std::nullopt);
    EXPECT_EQ(parent_of_cold(".cold"), std::nullopt);
}

}  // namespace
}  // namespace klp::diff
