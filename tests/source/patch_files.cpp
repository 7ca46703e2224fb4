// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include "base/error.hpp"
#include "source/patch.hpp"

namespace klp::source {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view plain =
    "--- a/fs/x.c\n"
    "+++ b/fs/x.c\n"
    "@@ -1,3 +1,4 @@ int f(void)\n"
    " one\n"
    "-two\n"
    "+TWO\n"
    "+more\n"
    " three\n";

std::vector<std::string> texts(const Hunk& hunk) {
    std::vector<std::string> result;
    for (const auto& line : hunk.lines) result.push_back(line.text);
    return result;
}

std::string with_crlf(std::string_view text) {
    std::string result;
    for (const char c : text) result += c == '\n' ? std::string("\r\n") : std::string(1, c);
    return result;
}

TEST(PatchFiles, PlainDiff) {
    const Patch patch = parse_patch(plain, "x.patch");
    ASSERT_EQ(patch.files.size(), 1U);
    EXPECT_EQ(patch.files[0].old_path, "a/fs/x.c");
    EXPECT_EQ(patch.files[0].new_path, "b/fs/x.c");
    ASSERT_EQ(patch.files[0].hunks.size(), 1U);
    const Hunk& hunk = patch.files[0].hunks[0];
    EXPECT_EQ(hunk.old_count, 3U);
    EXPECT_EQ(hunk.new_count, 4U);
    EXPECT_EQ(hunk.patch_line, 3U);
    EXPECT_THAT(texts(hunk), ElementsAre("one\n", "two\n", "TWO\n", "more\n", "three\n"));
}

TEST(PatchFiles, MailAroundTheDiff) {
    const std::string mail =
        "From 1234 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] fix\n\n- a list in the message\n+ another\n---\n"
        " fs/x.c | 3 ++-\n\ndiff --git a/fs/x.c b/fs/x.c\nindex 123..456 100644\n" +
        std::string(plain) + "-- \n2.39.2\n\n";
    const Patch patch = parse_patch(mail, "x.patch");
    ASSERT_EQ(patch.files.size(), 1U);
    EXPECT_EQ(patch.files[0].hunks.size(), 1U);
}

TEST(PatchFiles, DatesAndQuiltIndexLines) {
    const Patch patch = parse_patch(
        "Index: linux/fs/x.c\n=====\n--- linux.orig/fs/x.c\t2026-01-01 10:00:00.0 +0000\n"
        "+++ linux/fs/x.c\t2026-01-02 10:00:00.0 +0000\n@@ -1 +1 @@\n-a\n+b\n",
        "x.patch");
    EXPECT_EQ(patch.files[0].old_path, "linux.orig/fs/x.c");
    EXPECT_EQ(patch.files[0].hunks[0].old_count, 1U);
}

TEST(PatchFiles, CarriageReturnsOfTheTransportGo) {
    const Patch patch = parse_patch(with_crlf(plain), "x.patch");
    EXPECT_EQ(patch.files[0].new_path, "b/fs/x.c");
    EXPECT_EQ(patch.files[0].hunks[0].lines[0].text, "one\n");
}

TEST(PatchFiles, CarriageReturnsOfTheFileStay) {
    const Patch patch = parse_patch("--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-a\r\n+b\r\n", "x.patch");
    EXPECT_EQ(patch.files[0].hunks[0].lines[0].text, "a\r\n");
}

TEST(PatchFiles, NoNewlineAtEndOfFile) {
    const Patch patch = parse_patch(
        "--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n",
        "x.patch");
    EXPECT_THAT(texts(patch.files[0].hunks[0]), ElementsAre("a", "b"));
}

TEST(PatchFiles, EmptyContextLineWithoutItsBlank) {
    const Patch patch = parse_patch("--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,2 @@\n\n-a\n+b\n", "x.patch");
    EXPECT_EQ(patch.files[0].hunks[0].lines[0].kind, HunkLine::Kind::context);
}

TEST(PatchFiles, NewAndDeletedFiles) {
    const Patch patch = parse_patch(
        "diff --git a/n.c b/n.c\nnew file mode 100644\nindex 000..111\n--- /dev/null\n+++ b/n.c\n@@ -0,0 +1 @@\n+x\n"
        "diff --git a/d.c b/d.c\ndeleted file mode 100644\nindex 111..000\n--- a/d.c\n+++ /dev/null\n@@ -1 +0,0 "
        "@@\n-x\n",
        "x.patch");
    ASSERT_EQ(patch.files.size(), 2U);
    EXPECT_TRUE(patch.files[0].is_created);
    EXPECT_EQ(patch.files[0].path(), "b/n.c");
    EXPECT_TRUE(patch.files[1].is_deleted);
    EXPECT_EQ(patch.files[1].path(), "a/d.c");
}

TEST(PatchFiles, WhatGitSaysWithoutHunks) {
    const Patch patch = parse_patch(
        "diff --git a/m.sh b/m.sh\nold mode 100644\nnew mode 100755\n"
        "diff --git a/o.c b/p.c\nsimilarity index 100%\nrename from o.c\nrename to p.c\n"
        "diff --git a/b.bin b/b.bin\nindex 1..2\nGIT binary patch\nliteral 3\nKc$x\n\n"
        "diff --git a/c.bin b/c.bin\nindex 1..2\nBinary files a/c.bin and b/c.bin differ\n",
        "x.patch");
    ASSERT_EQ(patch.files.size(), 4U);
    EXPECT_TRUE(patch.files[0].mode_changed);
    EXPECT_EQ(patch.files[0].new_path, "b/m.sh");
    EXPECT_TRUE(patch.files[1].is_renamed);
    EXPECT_EQ(patch.files[1].new_path, "b/p.c");
    EXPECT_TRUE(patch.files[2].is_binary);
    EXPECT_TRUE(patch.files[3].is_binary);
}

TEST(PatchFiles, QuotedName) {
    const Patch patch = parse_patch("--- \"a/\\303\\244.c\"\n+++ \"b/\\303\\244.c\"\n@@ -1 +1 @@\n-a\n+b\n", "x.patch");
    EXPECT_EQ(patch.files[0].new_path, "b/\xc3\xa4.c");
}

struct BadPatch {
    const char* name;
    const char* text;
    const char* message;
};

void PrintTo(const BadPatch& bad, std::ostream* out) {
    *out << bad.name;
}

class BadPatches : public testing::TestWithParam<BadPatch> {};

TEST_P(BadPatches, AreRefusedWithTheirLine) {
    try {
        (void)parse_patch(GetParam().text, "x.patch");
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
        EXPECT_EQ(error.code(), ExitCode::error);
    }
}

#define HEADER "--- a/x.c\n+++ b/x.c\n"

INSTANTIATE_TEST_SUITE_P(
    PatchFiles, BadPatches,
    testing::Values(
        BadPatch{"Empty", "", "x.patch: no unified diff"},
        BadPatch{"Prose", "hello\nworld\n", "x.patch: no unified diff"},
        BadPatch{"CutShort", HEADER "@@ -1,3 +1,3 @@\n a\n-b\n", "x.patch:6: the patch ends within hunk 1"},
        BadPatch{"DamagedHeader", HEADER "@@ -1,x +1 @@\n-a\n+b\n", "x.patch:3: damaged hunk header"},
        BadPatch{"HugeNumber", HEADER "@@ -99999999999999999999999 +1 @@\n-a\n+b\n", "x.patch:3: damaged hunk header"},
        BadPatch{"LargeStart", HEADER "@@ -40000000000,7 +40000000000,7 @@\n-a\n+b\n",
                 "x.patch:3: damaged hunk header"},
        BadPatch{"LargeCount", HEADER "@@ -1,9223372036854775808 +1,9223372036854775808 @@\n-a\n+b\n",
                 "x.patch:3: damaged hunk header"},
        BadPatch{"LargestCount", HEADER "@@ -1,1000000000 +1,1000000000 @@\n-a\n+b\n", "the patch ends within hunk 1"},
        BadPatch{"NoLine", HEADER "@@ -1,0 +1,0 @@\n a\n-b\n+c\n",
                 "x.patch:3: the hunk header '@@ -1,0 +1,0 @@' tells of"},
        BadPatch{"ForeignLine", HEADER "@@ -1,2 +1,2 @@\n a\nwrapped line\n-b\n+c\n",
                 "x.patch:5: hunk 1 of line 3 is damaged"},
        BadPatch{"TooManyAdded", HEADER "@@ -1 +1 @@\n-a\n+b\n+c\n", "x.patch:6: hunk 1 of line 3 goes on"},
        BadPatch{"TooManyRemoved", HEADER "@@ -1,2 +1,2 @@\n-a\n-b\n-c\n",
                 "x.patch:6: hunk 1 of line 3 has other lines"},
        BadPatch{"NoHunk", HEADER "garbage\n", "x.patch:3: no hunk"},
        BadPatch{"HunkAlone", "@@ -1 +1 @@\n-a\n+b\n", "x.patch:1: a hunk without a file header"},
        BadPatch{"ContextDiff", "*** a/x.c\n--- b/x.c\n***************\n*** 1 ****\n", "x.patch:1: a context diff"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace klp::source
