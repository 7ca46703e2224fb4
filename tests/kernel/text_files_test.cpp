// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/registry.hpp"
#include "base/text.hpp"
#include "kernel/compiler.hpp"
#include "kernel/kernel.hpp"

namespace klp::kernel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

template <typename Read>
auto reading(std::string_view text, const Read& read) {
    const TempDir folder("klp-test");
    write_file(folder.path() / "file", text);
    return read(folder.path() / "file");
}

Config config_of(std::string_view text) {
    return reading(text, Config::read);
}
Exports exports_of(std::string_view text) {
    return reading(text, Exports::read);
}

TEST(Config, ValuesAreUnquoted) {
    const Config config = config_of(
        "# a comment\nCONFIG_A=y\nCONFIG_B=m\nCONFIG_N=n\n# CONFIG_C is not set\nCONFIG_S=\"a \\\"b\\\" "
        "\\\\\"\nCONFIG_H=0x10");
    EXPECT_TRUE(config.enabled("CONFIG_A"));
    EXPECT_TRUE(config.enabled("CONFIG_B"));
    EXPECT_FALSE(config.enabled("CONFIG_N"));
    EXPECT_FALSE(config.enabled("CONFIG_C"));
    EXPECT_EQ(config.value("CONFIG_C"), std::nullopt);
    EXPECT_EQ(config.value("CONFIG_S"), "a \"b\" \\");
    EXPECT_EQ(config.value("CONFIG_H"), "0x10");
}

TEST(Config, OtherFilesAreRefused) {
    EXPECT_THAT([] { (void)config_of("#!/bin/sh\necho\n"); }, ThrowsMessage<Error>(HasSubstr("not a kernel config")));
    EXPECT_THAT([] { (void)config_of("CONFIG_A=y\nCONFIG_B\n"); }, ThrowsMessage<Error>(HasSubstr("+0xb: not a line")));
}

TEST(Compiler, OtherCompilersAreRefused) {
    const auto finding = [](std::string_view text) {
        return [text] { (void)find_compiler(config_of(text), arch::for_name("x86_64"), {"config", "", {}}); };
    };
    EXPECT_THAT(finding("CONFIG_A=y\n"),
                ThrowsMessage<Error>(HasSubstr("config: the config does not say which compiler")));
    EXPECT_THAT(finding("CONFIG_CC_IS_CLANG=y\nCONFIG_CC_VERSION_TEXT=\"Debian clang version 14.0.6\"\n"),
                ThrowsMessage<Error>(HasSubstr("only kernels made by GCC")));
    EXPECT_THAT(
        finding("CONFIG_CC_IS_GCC=y\nCONFIG_CC_VERSION_TEXT=\"gcc-12 (Other 1) 12.99.0\"\n"),
        ThrowsMessage<Error>(HasSubstr("the kernel was compiled by 'gcc-12 (Other 1) 12.99.0', but here is: ")));
}

TEST(Exports, ModulesHaveKernelNames) {
    const Exports exports = exports_of(
        "0x12345678\tprintk-like\tvmlinux\tEXPORT_SYMBOL\t\n"
        "0x00000001\thda_one\tsound/pci/hda/snd-hda-codec\tEXPORT_SYMBOL_GPL\tSND-NS\n"
        "0xffffffff\told_style\tdrivers/x-y\tEXPORT_SYMBOL\n");
    EXPECT_EQ(exports.size(), 3U);
    ASSERT_NE(exports.find("printk-like"), nullptr);
    EXPECT_EQ(exports.find("printk-like")->crc, 0x12345678U);
    EXPECT_EQ(exports.find("printk-like")->module, "vmlinux");
    EXPECT_FALSE(exports.find("printk-like")->gpl_only);
    EXPECT_EQ(exports.find("hda_one")->module, "snd_hda_codec");
    EXPECT_TRUE(exports.find("hda_one")->gpl_only);
    EXPECT_EQ(exports.find("hda_one")->name_space, "SND-NS");
    EXPECT_EQ(exports.find("old_style")->module, "x_y");
    EXPECT_EQ(exports.find("nothing"), nullptr);
}

TEST(Exports, DamagedLinesAreRefused) {
    for (const char* line : {"12345678\ta\tvmlinux\tEXPORT_SYMBOL\t\n", "0x1\ta\n",
                             "0xzz\ta\tvmlinux\tEXPORT_SYMBOL\t\n", "0x1\ta\tvmlinux\tNONSENSE\t\n", "\n"}) {
        EXPECT_THAT([line] { (void)exports_of(line); },
                    ThrowsMessage<Error>(HasSubstr("+0x0: not a line of Module.symvers")))
            << line;
    }
}

TEST(Text, ReleasesAreOrderedByNumber) {
    EXPECT_TRUE(version_less("6.1.0-9-amd64", "6.1.0-56-amd64"));
    EXPECT_FALSE(version_less("6.10.0", "6.9.0"));
}

}  // namespace
}  // namespace klp::kernel
