// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/line_directives.hpp"

#include <gmock/gmock.h>

#include "base/process.hpp"
#include "base/text.hpp"
#include "scratch_tree.hpp"
#include "source/patch.hpp"

namespace klp::source {
namespace {

using testing::HasSubstr;
using testing::Not;

// Lines of `text` in their original places; those that begin with `+` are additions.
std::vector<Line> marked(std::string_view text) {
    std::vector<Line> lines;
    std::size_t number = 0;
    for (const auto line : lines_with_ends(text)) {
        const bool added = line.starts_with('+');
        lines.push_back({std::string(added ? line.substr(1) : line), added ? 0 : ++number});
    }
    return lines;
}

std::string directed(std::string_view text) {
    return with_line_directives(marked(text));
}

TEST(LineDirectives, NoneWhereNothingMoves) {
    EXPECT_EQ(directed("a;\nb;\n"), "a;\nb;\n");
}

TEST(LineDirectives, AfterAnAddedLine) {
    EXPECT_EQ(directed("a;\n+new;\nb;\nc;\n"), "a;\nnew;\n#line 2\nb;\nc;\n");
}

TEST(LineDirectives, AfterARemovedLine) {
    std::vector<Line> lines = marked("a;\nb;\nc;\n");
    lines.erase(lines.begin() + 1);
    EXPECT_EQ(with_line_directives(lines), "a;\n#line 3\nc;\n");
}

TEST(LineDirectives, NoneWhereLinesAreReplacedOneForOne) {
    std::vector<Line> lines = marked("a;\nb;\nc;\n");
    lines[1] = {"B;\n", 0};
    EXPECT_EQ(with_line_directives(lines), "a;\nB;\nc;\n");
}

TEST(LineDirectives, NotWithinAComment) {
    EXPECT_EQ(directed("/*\n+ * new\n * old\n */\nb;\n"), "/*\n * new\n * old\n */\n#line 4\nb;\n");
}

TEST(LineDirectives, NotWithinAContinuation) {
    EXPECT_EQ(directed("#define A \\\n+\tnew; \\\n\told; \\\n\tlast\nb;\n"),
              "#define A \\\n\tnew; \\\n\told; \\\n\tlast\n#line 4\nb;\n");
}

TEST(LineDirectives, OutsideOfParentheses) {
    EXPECT_EQ(directed("f(a,\n+  new,\n  \"(\", ')',\n  /* ( */ b);\nc;\n"),
              "f(a,\n  new,\n  \"(\", ')',\n  /* ( */ b);\n#line 4\nc;\n");
}

TEST(LineDirectives, WithinParenthesesWhereTheRunHasNoBetterPlace) {
    EXPECT_EQ(directed("f(a,\n+new,\nb,\n+more,\nc);\nd;\n"), "f(a,\nnew,\n#line 2\nb,\nmore,\nc);\n#line 4\nd;\n");
}

TEST(LineDirectives, BothBranchesOfAConditionBeginAlike) {
    EXPECT_EQ(directed("#ifdef A\nif (a &&\n#else\nif (\n#endif\n    b)\n+new;\nc;\n"),
              "#ifdef A\nif (a &&\n#else\nif (\n#endif\n    b)\nnew;\n#line 7\nc;\n");
}

TEST(LineDirectives, AFunctionsBraceEndsAWrongCount) {
    EXPECT_EQ(directed("#define OPEN (\n\nint f(void)\n{\n+new;\nc;\n}\n"),
              "#define OPEN (\n\nint f(void)\n{\nnew;\n#line 5\nc;\n}\n");
}

// The compiler does not see a directive in a group that it skips.
TEST(LineDirectives, AgainAfterTheGroupsOfACondition) {
    EXPECT_EQ(directed("#ifdef A\n+new;\na;\n#else\nb;\n#endif\nc;\nd;\n"),
              "#ifdef A\nnew;\n#line 2\na;\n#else\n#line 4\nb;\n#endif\n#line 6\nc;\nd;\n");
    EXPECT_EQ(directed("#if A\n#if B\n+new;\n#endif\n#endif\n+c;\nd;\n"),
              "#if A\n#if B\nnew;\n#line 3\n#endif\n#line 4\n#endif\nc;\n#line 5\nd;\n");
    EXPECT_EQ(directed("+new;\na;\n#if A\nb;\n#endif\nc;\n"), "new;\n#line 1\na;\n#if A\nb;\n#endif\nc;\n");
}

// Each use stands for WARN_ON, which puts __LINE__ into the bug table.
constexpr std::string_view program =
    "int warned(int line);\n"
    "#define WARN() warned(__LINE__)\n"
    "#define WARN_IF(a, b) ((a) + (b) ? warned(__LINE__) : 0)\n"
    "/* first\n"
    "+ * more words\n"
    "+ * and more\n"
    " * last */\n"
    "int f(int a)\n"
    "{\n"
    "+\t/* a comment */\n"
    "\tint x = WARN();\n"
    "+\n"
    "\treturn x + WARN_IF(a,\n"
    "+\t\t// another\n"
    "\t\t1);\n"
    "}\n"
    "#define LATER \\\n"
    "+\t/* in a macro */ \\\n"
    "\tWARN()\n"
    "int g(void) { return LATER; }\n"
    "#ifdef NOWHERE\n"
    "+skipped;\n"
    "also skipped;\n"
    "#else\n"
    "int h(void) { return WARN(); }\n"
    "+\n"
    "#endif\n"
    "int i(void) { return WARN(); }\n"
    "const char *file = __FILE__;\n";

std::string without_additions(std::string_view text) {
    std::string result;
    for (const auto& line : marked(text)) {
        if (line.original != 0) result += line.text;
    }
    return result;
}

std::string assembly_of(const ScratchTree& tree, const std::string& folder, std::string_view text) {
    tree.add(folder + "/x.c", text);
    Command command;
    command.argv = {"gcc", "-O2", "-S", "-fno-asynchronous-unwind-tables", "-o", "-", "x.c"};
    command.directory = tree.root() / folder;
    return run_checked(command, "gcc").output;
}

TEST(LineDirectives, CommentsChangeNoCode) {
    const ScratchTree tree;
    const std::string original = assembly_of(tree, "original", without_additions(program));
    std::string undirected;
    for (const auto& line : marked(program)) undirected += line.text;
    EXPECT_NE(assembly_of(tree, "undirected", undirected), original) << "the test's program does not depend on lines";
    EXPECT_EQ(assembly_of(tree, "patched", directed(program)), original);
}

}  // namespace
}  // namespace klp::source
