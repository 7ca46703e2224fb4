// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/debian.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace klp::packages {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr std::string_view signed_image =
    "Package: linux-image-6.1.0-9-amd64\nSource: linux-signed-amd64 (6.1.27+1)\nVersion: 6.1.27-1\nInstalled-Size: "
    "400\nSize: 70550672\n"
    "Depends: kmod, linux-base (>= 4.3~), a | b\nBuilt-Using: firmware (= 1), linux (= 6.1.27-1)\nDescription: Linux\n "
    "more: of it\n\n"
    "Package: linux-image-6.1.0-9-amd64\nVersion: 6.1.20-1\n";

TEST(Package, FieldsOfTheFirstRecordCount) {
    const auto package = Package::parse(signed_image);
    ASSERT_TRUE(package);
    EXPECT_EQ(package->version(), "6.1.27-1");
    EXPECT_EQ(package->size(), 70550672U);
    EXPECT_EQ(package->installed_size(), 400U * 1024);
    EXPECT_THAT(package->depends(), ElementsAre("kmod", "linux-base", "a"));
    EXPECT_EQ(package->linux_source().version, "6.1.27-1");
    EXPECT_FALSE(Package::parse(""));
    EXPECT_FALSE(Package::parse("E: No packages found\n"));
}

TEST(Package, SourceVersionOfUnsignedImages) {
    EXPECT_EQ(Package::parse("Package: a\nSource: linux\nVersion: 6.1.27-1\n")->linux_source().version, "6.1.27-1");
    EXPECT_EQ(Package::parse("Package: a\nSource: linux (6.1.26-1)\nVersion: 6.1.26-1+b1\n")->linux_source().version,
              "6.1.26-1");
    const auto other = Package::parse("Package: a\nVersion: 1\n");
    const auto later = Package::parse("Package: a\nVersion: 2\nBuilt-Using: gcc-12 (= 1), linux-6.12 (= 6.12.5-1)\n");
    EXPECT_EQ(later->linux_source().name, "linux-6.12");
    EXPECT_EQ(later->linux_source().version, "6.12.5-1");
    EXPECT_THROW((void)Package::parse("Package: a\nSource: linux-signed-amd64 (1)\nVersion: 1\n")->linux_source(),
                 Error);
    EXPECT_THAT([&] { (void)other->linux_source().version; },
                ThrowsMessage<Error>(HasSubstr("does not say which version")));
}

}  // namespace
}  // namespace klp::packages
