// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/prepare.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace klp::packages {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

kernel::Config config_of(std::string_view text) {
    const TempDir folder("klp-prepare-test");
    write_file(folder.path() / "config", text);
    return kernel::Config::read(folder.path() / "config");
}

TEST(ConfigDifferences, ToolVersionsAndKeysAreHarmless) {
    const kernel::Config shipped =
        config_of("CONFIG_A=y\nCONFIG_B=y\nCONFIG_PAHOLE_VERSION=124\nCONFIG_MODULE_SIG_KEY=\"x\"\nCONFIG_S=\"1\"\n");
    const kernel::Config prepared =
        config_of("CONFIG_A=y\nCONFIG_PAHOLE_VERSION=125\nCONFIG_MODULE_SIG_KEY=\"y\"\nCONFIG_S=\"2\"\nCONFIG_NEW=y\n");
    EXPECT_THAT(config_differences(shipped, prepared),
                ElementsAre("CONFIG_B: 'y', not set", "CONFIG_NEW: not set, 'y'", "CONFIG_S: '1', '2'"));
    EXPECT_THAT(config_differences(shipped, shipped), IsEmpty());
}

}  // namespace
}  // namespace klp::packages
