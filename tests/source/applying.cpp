// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <ctime>

#include "scratch_tree.hpp"
#include "source/apply.hpp"

namespace klp::source {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view change_c = "--- a/fs/x.c\n+++ b/fs/x.c\n@@ -2,3 +2,4 @@\n b\n-c\n+C\n+new\n d\n";

class Applying : public testing::Test {
protected:
    Applying() { tree.add("fs/x.c", "a\nb\nc\nd\ne\n"); }

    void apply(std::string_view patch) { files.apply(parse_patch(patch, "x.patch"), diagnostics); }
    [[nodiscard]] std::string text() const { return files.files().at("fs/x.c").text(); }
    // The text of the only finding, with its place and notes.
    [[nodiscard]] std::string finding() const {
        if (diagnostics.findings().size() != 1) return "not one finding";
        const Finding& one = diagnostics.findings()[0];
        std::string text = one.where.text() + ": " + one.message + " [" + one.id + "]";
        for (const auto& note : one.notes) text += "\n" + note;
        for (const auto& hint : one.hints) text += "\n" + hint;
        return text;
    }

    ScratchTree tree;
    PatchedFiles files{tree.root()};
    Diagnostics diagnostics;
};

TEST_F(Applying, ReplacesLinesAndRemembersWhereTheOthersStood) {
    apply(change_c);
    EXPECT_EQ(text(), "a\nb\nC\nnew\nd\ne\n");
    std::vector<std::size_t> originals;
    for (const auto& line : files.files().at("fs/x.c").lines) originals.push_back(line.original);
    EXPECT_THAT(originals, ElementsAre(1, 2, 0, 0, 4, 5));
    EXPECT_THAT(files.notes(), IsEmpty());
    EXPECT_EQ(read_text(tree.root() / "fs/x.c"), "a\nb\nc\nd\ne\n");
}

TEST_F(Applying, PathsWithoutPrefix) {
    apply("--- fs/x.c\n+++ fs/x.c\n@@ -1 +1 @@\n-a\n+A\n");
    EXPECT_EQ(text(), "A\nb\nc\nd\ne\n");
}

TEST_F(Applying, LaterPatchesSeeEarlierOnes) {
    apply(change_c);
    apply("--- a/fs/x.c\n+++ b/fs/x.c\n@@ -3,2 +3,1 @@\n C\n-new\n");
    EXPECT_EQ(text(), "a\nb\nC\nd\ne\n");
}

TEST_F(Applying, ChangesThatCancelOutAreNone) {
    apply(change_c);
    apply("--- a/fs/x.c\n+++ b/fs/x.c\n@@ -3,2 +3 @@\n-C\n-new\n+c\n");
    EXPECT_FALSE(files.files().at("fs/x.c").is_changed());
}

TEST_F(Applying, FindsMovedContextAndSaysSo) {
    apply("--- a/fs/x.c\n+++ b/fs/x.c\n@@ -9,2 +9,2 @@\n c\n-d\n+D\n");
    EXPECT_EQ(text(), "a\nb\nc\nD\ne\n");
    EXPECT_THAT(files.notes(), ElementsAre(HasSubstr("offset of -6 lines")));
}

TEST_F(Applying, OffsetOfOneHunkHoldsForTheNext) {
    tree.add("fs/y.c", "0\n1\n2\n3\nx\nx\nx\nx\n");
    apply("--- a/fs/y.c\n+++ b/fs/y.c\n@@ -1,1 +1,1 @@\n-2\n+two\n@@ -4,1 +4,1 @@\n-x\n+y\n");
    EXPECT_EQ(files.files().at("fs/y.c").text(), "0\n1\ntwo\n3\nx\ny\nx\nx\n");
}

TEST_F(Applying, TakesTheNearestOfSeveralPlaces) {
    tree.add("fs/y.c", "x\n1\n2\n3\n4\nx\n");
    apply("--- a/fs/y.c\n+++ b/fs/y.c\n@@ -5 +5 @@\n-x\n+y\n");
    EXPECT_EQ(files.files().at("fs/y.c").text(), "x\n1\n2\n3\n4\ny\n");
}

TEST_F(Applying, LooksForAHunkBehindTheOneBefore) {
    tree.add("fs/y.c", "x\n1\n2\n3\n");
    apply("--- a/fs/y.c\n+++ b/fs/y.c\n@@ -3 +3 @@\n-2\n+two\n@@ -4 +4 @@\n-x\n+y\n");
    EXPECT_THAT(finding(), HasSubstr("hunk 2 of 2 (fs/y.c) does not apply"));
    EXPECT_EQ(files.files().at("fs/y.c").text(), "x\n1\n2\n3\n");
}

TEST_F(Applying, RefusesToChooseBetweenEquallyNearPlaces) {
    tree.add("fs/y.c", "x\n1\nx\n");
    apply("--- a/fs/y.c\n+++ b/fs/y.c\n@@ -2 +2 @@\n-x\n+y\n");
    EXPECT_THAT(finding(), HasSubstr("fits equally near above and below line 2"));
}

TEST_F(Applying, NamesPatchLineHunkAndFirstDifference) {
    apply("--- a/fs/x.c\n+++ b/fs/x.c\n@@ -1,1 +1,1 @@\n-a\n+A\n@@ -3,2 +3,2 @@\n c\n-dd\n+D\n");
    EXPECT_THAT(finding(), HasSubstr("x.patch:6: hunk 2 of 2 (fs/x.c) does not apply [build.patch]"));
    EXPECT_THAT(finding(), HasSubstr("line 4 is expected to be 'dd', but is 'd'"));
    EXPECT_EQ(text(), "a\nb\nc\nd\ne\n") << "a file is patched whole or not at all";
}

TEST_F(Applying, HintsAtAPatchThatIsInAlready) {
    apply("--- a/fs/x.c\n+++ b/fs/x.c\n@@ -2,2 +2,2 @@\n b\n-before\n+c\n");
    EXPECT_THAT(finding(), HasSubstr("seems to have this change already"));
}

TEST_F(Applying, InsertionWithoutContextNeedsItsVeryPlace) {
    apply("--- a/fs/x.c\n+++ b/fs/x.c\n@@ -2,0 +3 @@\n+new\n");
    EXPECT_EQ(text(), "a\nb\nnew\nc\nd\ne\n");
}

TEST_F(Applying, EndOfFileWithoutNewline) {
    tree.add("fs/y.c", "a\nb");
    apply("--- a/fs/y.c\n+++ b/fs/y.c\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n");
    EXPECT_EQ(files.files().at("fs/y.c").text(), "a\nb\n");
    apply("--- a/fs/x.c\n+++ b/fs/x.c\n@@ -5 +5 @@\n-e\n\\ No newline at end of file\n+E\n");
    EXPECT_THAT(finding(), HasSubstr("line 5 differs in its newline"));
}

TEST_F(Applying, NewAndDeletedFiles) {
    apply(
        "--- /dev/null\n+++ b/fs/new.h\n@@ -0,0 +1,2 @@\n+one\n+two\n--- a/fs/x.c\n+++ /dev/null\n@@ -1,5 +0,0 "
        "@@\n-a\n-b\n-c\n-d\n-e\n");
    EXPECT_EQ(files.files().at("fs/new.h").text(), "one\ntwo\n");
    EXPECT_FALSE(files.files().at("fs/new.h").existed);
    EXPECT_FALSE(files.files().at("fs/x.c").exists);
    EXPECT_THAT(diagnostics.findings(), IsEmpty());
}

// A change by each name, then all of them in one patch.
TEST_F(Applying, AFileGoesByOneName) {
    tree.add("lib/other.c", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    fs::create_symlink("../lib/other.c", tree.root() / "fs/link.c");
    fs::create_directory_symlink("lib", tree.root() / "library");
    const std::vector<std::string> names = {"a/lib/other.c",       "a/lib//other.c",     "a/./lib/other.c",
                                            "./lib/other.c",       "lib/../lib/other.c", "a//lib/other.c",
                                            "a/fs/../lib/other.c", "a/fs/link.c",        "a/library/./other.c"};
    std::string all;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string one = fmt::format("--- {0}\n+++ {0}\n@@ -{1} +{1} @@\n-{1}\n+changed\n", names[i], i + 1);
        PatchedFiles alone{tree.root()};
        alone.apply(parse_patch(one, "x.patch"), diagnostics);
        ASSERT_EQ(alone.files().size(), 1U) << names[i];
        EXPECT_EQ(alone.files().begin()->first, "lib/other.c") << names[i];
        all += one;
    }
    apply(all);
    EXPECT_THAT(diagnostics.findings(), IsEmpty());
    ASSERT_EQ(files.files().size(), 1U);
    std::string changed;
    for (std::size_t i = 0; i < names.size(); ++i) changed += "changed\n";
    EXPECT_EQ(files.files().begin()->second.text(), changed);
}

TEST_F(Applying, ANewFileGoesByOneName) {
    apply("--- /dev/null\n+++ b/fs/new//sub/./x.h\n@@ -0,0 +1 @@\n+one\n");
    apply("--- a/fs/new/sub/x.h\n+++ b/fs//new/sub/x.h\n@@ -1 +1,2 @@\n one\n+two\n");
    EXPECT_THAT(diagnostics.findings(), IsEmpty());
    ASSERT_EQ(files.files().size(), 1U);
    EXPECT_EQ(files.files().at("fs/new/sub/x.h").text(), "one\ntwo\n");
}

// Far beyond the file, and back.
TEST_F(Applying, NumbersThatAreWrongByFar) {
    apply("--- a/fs/x.c\n+++ b/fs/x.c\n@@ -1000000000,2 +1000000000,2 @@\n c\n-d\n+D\n@@ -1 +1 @@\n-e\n+E\n");
    EXPECT_EQ(text(), "a\nb\nc\nD\nE\n");
    apply("--- a/fs/x.c\n+++ b/fs/x.c\n@@ -1000000000,2 +1 @@\n c\n-none\n");
    EXPECT_THAT(finding(), HasSubstr("does not apply"));
}

// 76,000 hunks took minutes, and hunks that are all at another place than they say would take the longest.
TEST_F(Applying, TakesTimeInProportion) {
    constexpr std::size_t hunks = 100'000;
    std::string before, straight, crooked = "--- a/fs/y.c\n+++ b/fs/y.c\n";
    straight = crooked;
    for (std::size_t i = 0; i < hunks; ++i) {
        before += fmt::format("line {}\n\n", i);
        const std::string lines = fmt::format("-line {0}\n+LINE {0}\n+more\n", i);
        straight += fmt::format("@@ -{},1 +{},2 @@\n{}", 2 * i + 1, 3 * i + 1, lines);
        crooked += fmt::format("@@ -{},1 +{},2 @@\n{}", (i * 7919) % (2 * hunks) + 1, 3 * i + 1, lines);
    }
    tree.add("fs/y.c", before);
    for (const std::string& patch : {straight, crooked}) {
        const std::clock_t begin = std::clock();
        PatchedFiles patched{tree.root()};
        patched.apply(parse_patch(patch, "x.patch"), diagnostics);
        EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 10.0);
        EXPECT_THAT(diagnostics.findings(), IsEmpty());
        EXPECT_EQ(patched.files().at("fs/y.c").lines.size(), 3 * hunks);
    }
}

struct Refused {
    const char* name;
    const char* patch;
    const char* message;
};

void PrintTo(const Refused& refused, std::ostream* out) {
    *out << refused.name;
}

class RefusedPatches : public Applying, public testing::WithParamInterface<Refused> {};

TEST_P(RefusedPatches, SayWhy) {
    const ScratchTree other;
    other.add("x.c", "a\n");
    fs::create_symlink(other.root() / "x.c", tree.root() / "out.c");
    fs::create_directory_symlink(other.root(), tree.root() / "out");
    apply(GetParam().patch);
    EXPECT_THAT(finding(), HasSubstr(GetParam().message));
    EXPECT_FALSE(fs::exists(tree.root().parent_path() / "outside.c"));
}

INSTANTIATE_TEST_SUITE_P(
    Applying, RefusedPatches,
    testing::Values(
        Refused{"Missing", "--- a/fs/none.c\n+++ b/fs/none.c\n@@ -1 +1 @@\n-a\n+b\n",
                "x.patch:1: no file 'b/fs/none.c'"},
        Refused{"Exists", "--- /dev/null\n+++ b/fs/x.c\n@@ -0,0 +1 @@\n+b\n", "creates 'fs/x.c', which exists"},
        Refused{"Outside", "--- /dev/null\n+++ b/../outside.c\n@@ -0,0 +1 @@\n+b\n",
                "'b/../outside.c' leads out of the kernel's source tree [build.patch]"},
        Refused{"Absolute", "--- /etc/passwd\n+++ /etc/passwd\n@@ -1 +1 @@\n-a\n+b\n",
                "'/etc/passwd' leads out of the kernel's source tree"},
        Refused{"LinkOutside", "--- a/out.c\n+++ b/out.c\n@@ -1 +1 @@\n-a\n+b\n", "'b/out.c' leads out of"},
        Refused{"FolderLinkOutside", "--- a/out/x.c\n+++ b/out/x.c\n@@ -1 +1 @@\n-a\n+b\n", "'b/out/x.c' leads out of"},
        Refused{"NewOutside", "--- /dev/null\n+++ b/out/new.c\n@@ -0,0 +1 @@\n+b\n", "'b/out/new.c' leads out of"},
        Refused{"UpAndOut", "--- a/fs/../../x.c\n+++ b/fs/../../x.c\n@@ -1 +1 @@\n-a\n+b\n", "leads out of"},
        Refused{"Rename", "diff --git a/fs/x.c b/fs/y.c\nrename from fs/x.c\nrename to fs/y.c\n", "[build.rename]"},
        Refused{"Binary", "diff --git a/fs/x.c b/fs/x.c\nGIT binary patch\nliteral 1\n", "[build.binary]"}),
    [](const auto& row) { return row.param.name; });

TEST_F(Applying, ModeOnlyIsNoted) {
    apply("diff --git a/fs/x.c b/fs/x.c\nold mode 100644\nnew mode 100755\n");
    EXPECT_THAT(files.notes(), ElementsAre(HasSubstr("only the mode changes")));
    EXPECT_THAT(files.files(), IsEmpty());
}

}  // namespace
}  // namespace klp::source
