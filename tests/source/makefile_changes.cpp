// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "source/makefile_change.hpp"

namespace klp::source {
namespace {

bool is_harmless(std::string_view before, std::string_view after) {
    return is_for_other_configurations(before, after, [](std::string_view option) { return option == "CONFIG_ON"; });
}

TEST(MakefileChanges, ForOtherConfigurations) {
    EXPECT_TRUE(is_harmless("obj-y += a.o\n", "# a comment\n\nobj-y += a.o # another\n"));
    EXPECT_TRUE(is_harmless("obj-y += a.o\n", "obj-y += a.o\nobj-$(CONFIG_OFF) += b.o \\\n\tc.o\n"));
    EXPECT_TRUE(is_harmless("a-$(CONFIG_OFF) := b.o\nobj-y += a.o\n", "obj-y += a.o\n"));
}

TEST(MakefileChanges, ThatMatter) {
    EXPECT_FALSE(is_harmless("obj-y += a.o\n", "obj-y += b.o\n"));
    EXPECT_FALSE(is_harmless("obj-y += a.o\n", "obj-y += a.o\nobj-$(CONFIG_ON) += b.o\n"));
    EXPECT_FALSE(is_harmless("obj-y += a.o\n", "ccflags-y += -DX\nobj-y += a.o\n"));
    EXPECT_FALSE(is_harmless("x:\n\techo a\n", "x:\n\techo a # b\n"));
    EXPECT_FALSE(is_harmless("", "obj-$(CONFIG_OFF)-y += a.o\n"));
    EXPECT_FALSE(is_harmless("", "ifeq (a-$(CONFIG_OFF), a-)\n"));
    EXPECT_FALSE(is_harmless("", "$(info x-$(CONFIG_OFF) += 1)\n"));
}

}  // namespace
}  // namespace klp::source
