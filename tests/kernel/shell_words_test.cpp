// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/shell_words.hpp"

#include <gmock/gmock.h>

namespace klp::kernel {
namespace {

using testing::ElementsAre;

TEST(ShellWords, TakesQuotesAway) {
    EXPECT_THAT(shell_words(R"(-DNAME='"ext4"' "a b" c\ d -D'X=it'\''s' '')"),
                ElementsAre("-DNAME=\"ext4\"", "a b", "c d", "-DX=it's", ""));
    EXPECT_THAT(shell_words(R"("a \"quoted\" \n" \\)"), ElementsAre(R"(a "quoted" \n)", "\\"));
}

TEST(ShellWords, JoinsContinuedLines) {
    EXPECT_THAT(shell_words("a \\\n b"), ElementsAre("a", "b"));
}

TEST(ShellCommands, EndAtOperators) {
    EXPECT_THAT(shell_commands("a b; c 'd;e' | f && g\nh"),
                ElementsAre(ElementsAre("a", "b"), ElementsAre("c", "d;e"), ElementsAre("f"), ElementsAre("g"),
                            ElementsAre("h")));
}

TEST(ShellCommands, KeepNoRedirections) {
    EXPECT_THAT(shell_commands("exec >/dev/null; cc -o x > log"),
                ElementsAre(ElementsAre("exec"), ElementsAre("cc", "-o", "x")));
}

TEST(ShellCommands, SurviveUnfinishedQuotes) {
    EXPECT_THAT(shell_words("a 'b"), ElementsAre("a", "b"));
    EXPECT_THAT(shell_words("a \"b"), ElementsAre("a", "b"));
    EXPECT_THAT(shell_words("a \\"), ElementsAre("a"));
}

}  // namespace
}  // namespace klp::kernel
