// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/c_scanner.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace klp::source {
namespace {

std::vector<LineStart> starts_of(std::string_view text) {
    CScanner scanner;
    std::vector<LineStart> starts;
    for (const auto line : lines_with_ends(text)) starts.push_back(scanner.next_line(line));
    return starts;
}

TEST(CScanner, LiteralsHideCommentsAndParentheses) {
    const auto starts = starts_of("a \"/*\" b\nf(\"\\\"(\", '(', '\\'' /* ( */\n) // (\ne\n");
    EXPECT_TRUE(starts[1].is_clean);
    EXPECT_EQ(starts[2].parentheses, 1);
    EXPECT_EQ(starts[3].parentheses, 0);
}

TEST(CScanner, CommentsAndContinuedLinesAreNotClean) {
    const auto starts = starts_of("/* a\nb */\n// c \\\nd\n#define X \\\n  y\n\"s\\\nt\"\nend\n");
    const std::vector<bool> expected = {true, false, true, false, true, false, true, false, true};
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(starts[i].is_clean, expected[i]) << "line " << i + 1;
}

TEST(CScanner, AnApostropheInTextThatIsNoCodeEndsWithItsLine) {
    EXPECT_TRUE(starts_of("#error don't /*\na\n")[1].is_clean);
}

TEST(CodeWithoutComments, IsEqualWhereOnlyCommentsDiffer) {
    const std::string code =
        code_without_comments("int a; /* one\n two */\n\nint b; // three\n#define X \"/* no */\"\n");
    EXPECT_EQ(code, "int a;\nint b;\n#define X \"/* no */\"\n");
    EXPECT_EQ(code_without_comments("/* new */\n  \nint a;\nint b;\n#define X \"/* no */\" /* two */\n"), code);
    EXPECT_NE(code_without_comments("int a;\nint b;\n#define X \"/* yes */\"\n"), code);
    EXPECT_NE(code_without_comments("int a /**/ ;\nint b;\n#define X \"/* no */\"\n"), code);
}

TEST(CodeWithoutComments, KeepsContinuations) {
    EXPECT_NE(code_without_comments("#define X \\\n  a\n"), code_without_comments("#define X\n  a\n"));
}

}  // namespace
}  // namespace klp::source
