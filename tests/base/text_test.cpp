// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/align.hpp"

using namespace std::string_view_literals;
using testing::ElementsAre;
using testing::IsEmpty;

namespace klp {
namespace {

TEST(CString, EndsWithTheFirstZero) {
    EXPECT_EQ(c_string("ab\0cd"sv), "ab");
    EXPECT_EQ(c_string("\0ab"sv), "");
    EXPECT_EQ(c_string("ab"sv), "ab");
}

TEST(CString, NeedNotBeTerminatedButSaysSo) {
    EXPECT_EQ(terminated_string("ab\0cd"sv), "ab");
    EXPECT_EQ(terminated_string("\0"sv), "");
    EXPECT_EQ(terminated_string("ab"sv), std::nullopt);
    EXPECT_EQ(terminated_string(""sv), std::nullopt);
}

TEST(CStrings, AreThoseBetweenZeros) {
    EXPECT_THAT(c_strings("a\0\0bc\0\0\0d"sv), ElementsAre("a", "bc", "d"));
    EXPECT_THAT(c_strings("a\0"sv), ElementsAre("a"));
    EXPECT_THAT(c_strings("\0\0"sv), IsEmpty());
    EXPECT_THAT(c_strings(""sv), IsEmpty());
}

TEST(AlignUp, TakesAnyStep) {
    EXPECT_EQ(align_up(0, 8), 0U);
    EXPECT_EQ(align_up(1, 8), 8U);
    EXPECT_EQ(align_up(8, 8), 8U);
    EXPECT_EQ(align_up(13, 12), 24U);
    EXPECT_EQ(align_up(13, 1), 13U);
    EXPECT_EQ(align_up(13, 0), 13U);
}

}  // namespace
}  // namespace klp
