// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/kernel_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using testing::ElementsAre;
using testing::IsEmpty;

namespace klp {
namespace {

TEST(ModuleNames, AreAsTheKernelMakesThem) {
    EXPECT_EQ(module_name_of_path("/x/snd-hda-intel.ko"), "snd_hda_intel");
    EXPECT_EQ(module_name_of_path("kernel/fs/nfs.ko.xz"), "nfs");
    EXPECT_EQ(module_name_of_path("a-b.ko.zst"), "a_b");
    EXPECT_EQ(module_name_of_path("a.ko.gz"), "a");
    EXPECT_EQ(module_name_of_path("nf-nat"), "nf_nat");
    EXPECT_EQ(module_name_of_path("folder-a/"), "");
    EXPECT_EQ(with_underscores("a-b_c-"), "a_b_c_");
}

TEST(ModuleNames, HaveLettersDigitsAndUnderscores) {
    EXPECT_TRUE(is_module_name("livepatch_Fix_2"));
    EXPECT_TRUE(is_module_name(vmlinux));
    EXPECT_FALSE(is_module_name(""));
    EXPECT_FALSE(is_module_name("snd-hda"));
    EXPECT_FALSE(is_module_name("a.b"));
    EXPECT_FALSE(is_module_name("a b"));
    EXPECT_FALSE(is_module_name("\xc3\xa4"));
}

TEST(ModuleNames, FitIntoMODULE_NAME_LENWithTheirZero) {
    EXPECT_TRUE(is_module_name(std::string(55, 'a')));
    EXPECT_FALSE(is_module_name(std::string(56, 'a')));
}

TEST(ModuleFiles, AreToldByTheirEnding) {
    for (const std::string_view path : {"a.ko", "x/a.ko.xz", "a.ko.zst", "a.ko.gz"}) EXPECT_TRUE(is_module_file(path));
    for (const std::string_view path : {"a.kox", "a.ko.bz2", "x.ko/a", "a.xz", "ko"})
        EXPECT_FALSE(is_module_file(path));
}

TEST(Modinfo, HasValuesOfAKeyInOrder) {
    using namespace std::string_view_literals;
    constexpr std::string_view content = "name=a\0\0alias=x\0names=b\0alias\0alias=\0=c\0alias=y=z"sv;
    EXPECT_THAT(modinfo_values(content, "alias"), ElementsAre("x", "", "y=z"));
    EXPECT_THAT(modinfo_values(content, "name"), ElementsAre("a"));
    EXPECT_THAT(modinfo_values(content, "nam"), IsEmpty());
    EXPECT_THAT(modinfo_values("", "name"), IsEmpty());
}

}  // namespace
}  // namespace klp
