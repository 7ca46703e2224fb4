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
    EXPECT_EQ(base_name(".LC12"), ".LC");
}

TEST(BaseName, KeepsWhatBelongsToTheName) {
    EXPECT_EQ(base_name("sha256"), "sha256");
    EXPECT_EQ(base_name(".text.f2"), ".text.f2");
    EXPECT_EQ(base_name("e1000.part"), "e1000.part");
    EXPECT_EQ(base_name(""), "");
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
