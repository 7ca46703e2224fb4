// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/progress_bar.hpp"

#include <gtest/gtest.h>

namespace klp::cli {
namespace {

TEST(ProgressBar, Text) {
    EXPECT_EQ(bar_text("units compiled", 0, 100, 9), "[....................] 0 of 100 units compiled");
    EXPECT_EQ(bar_text("units compiled", 25, 100, 1.9), "[#####...............] 25 of 100 units compiled");
    EXPECT_EQ(bar_text("units compiled", 25, 100, 10), "[#####...............] 25 of 100 units compiled, 30 s left");
    EXPECT_EQ(bar_text("units compiled", 1, 100, 10),
              "[....................] 1 of 100 units compiled, 17 minutes left");
    EXPECT_EQ(bar_text("units compiled", 100, 100, 10), "[####################] 100 of 100 units compiled, 0 s left");
}

TEST(ProgressBar, LeavesNothingBehind) {
    ProgressBar bar;
    EXPECT_FALSE(bar.is_shown());
    EXPECT_EQ(bar.step("a", 1, 2), "\r\x1b[K[##########..........] 1 of 2 a");
    EXPECT_TRUE(bar.is_shown());
    EXPECT_EQ(bar.step("a", 1, 2), "");
    EXPECT_EQ(bar.step("a", 2, 2), "\r\x1b[K");
    EXPECT_FALSE(bar.is_shown());
    EXPECT_EQ(bar.step("b", 2, 2), "");
    EXPECT_EQ(bar.step("b", 1, 2), "\r\x1b[K[##########..........] 1 of 2 b");
    bar.hide();
    EXPECT_EQ(bar.step("b", 1, 2), "\r\x1b[K[##########..........] 1 of 2 b");
    EXPECT_EQ(bar.step("b", 0, 0), "\r\x1b[K");
}

}  // namespace
}  // namespace klp::cli
