// SPDX-License-Identifier: GPL-2.0-or-later
// What of a preprocessed unit makes code or data.
#include "source/live_code.hpp"

#include <gmock/gmock.h>

namespace klp::source {
namespace {

using testing::Optional;

std::string live(std::string_view text) {
    return live_code(text).value_or("?");
}

TEST(LiveCode, HasWhatMakesSomethingAndWhatThatMentions) {
    constexpr std::string_view kept = "int f(void)\n{\n\treturn g(1);\n}\n";
    const std::string prototype = "extern int g(int);\n";
    const std::string both = live(prototype + std::string(kept));
    EXPECT_EQ(both, " extern int g(int);\n int f(void) { return g(1); }\n");
    for (const char* dead :
         {"extern int h(int);", "struct s { int x; };", "typedef int h_t;", "static int h(void) { return 2; }",
          "static inline __attribute__((__gnu_inline__)) int h(void) { asm(\"nop\"); return 2; }", "enum { H };",
          "static int h = 3;", "_Static_assert(1, \"x\");", "extern struct s { int y; } h[];", "struct s;",
          "static int (*h[])(void) = { h0 };", ";"})
        EXPECT_EQ(live(dead + ("\n" + prototype) + std::string(kept)), both) << dead;
    for (const char* alive :
         {"int h(int x) { return x; }", "int h;", "static int h(void) __attribute__((__used__));",
          "static int h __attribute__((section(\".x\"))) = 1;", "asm(\"nop\");", "struct { int x; } h;",
          "extern int h(void) __attribute__((alias(\"f\")));", "extern int h = 1;", "MACRO(h)\n;", "#pragma pack(1)",
          "int (h)(void);", "extern inline int h(void) { return 1; }"})
        EXPECT_NE(live(alive + ("\n" + prototype) + std::string(kept)), both) << alive;
}

TEST(LiveCode, FollowsMentions) {
    const auto both = [](std::string_view type) {
        return "struct a { " + std::string(type) +
               " x; };\nstruct b { struct a *a; };\nstatic inline int g(struct b *b) { return b->a->x; }\n"
               "typedef struct b b_t;\n";
    };
    // By way of a type that is only inferred.
    for (const char* user :
         {"int f(struct b *b) { return g(b); }", "b_t y;", "int f(void) { extern b_t z; return sizeof(z); }",
          "asm(\".long g\");", "asm(\".long\\tg\\n\");", "int f(void) { enum { A = sizeof(b_t) }; return A; }"}) {
        EXPECT_EQ(live(both("int") + user), live(both("int") + user)) << user;
        EXPECT_NE(live(both("int") + user), live(both("long") + user)) << user;
    }
    EXPECT_EQ(live(both("int") + "int f(void) { return 0; }"), live(both("long") + "int f(void) { return 0; }"));
    // In whatever order: a declaration behind its use.
    EXPECT_NE(live("struct a;\nstruct a *f(void) { return 0; }\nstruct a { int x; };\n"),
              live("struct a;\nstruct a *f(void) { return 0; }\nstruct a { long x; };\n"));
    // Of several declarations of a name, all.
    EXPECT_NE(live("int g(int);\nint g(int) __attribute__((cold));\nint f(void) { return g(1); }"),
              live("int g(int);\nint g(int);\nint f(void) { return g(1); }"));
}

TEST(LiveCode, KeepsOrderAndOperators) {
    EXPECT_NE(live("int x;\nint y;\n"), live("int y;\nint x;\n"));
    EXPECT_NE(live("int x = - -1;"), live("int x = --1;"));
    EXPECT_NE(live("int x = 'a';"), live("int x = 'b';"));
    EXPECT_NE(live("char *x = \"a  b\";"), live("char *x = \"a b\";"));
    EXPECT_EQ(live("int\n  x ;"), live("int x ;"));
}

TEST(LiveCode, DirectivesAreOfTheirPlace) {
    EXPECT_EQ(live("# 1 \"a.c\"\nint x;\n# 7 \"b.h\" 2\nint y;\n"), live("int x;\nint y;\n"));
    EXPECT_EQ(live("#pragma pack(1)\nstruct s { int x; } y;\n#pragma pack()\n"),
              "\n#pragma pack(1)\n\n struct s { int x; } y;\n\n#pragma pack()\n\n");
    // Within an item, too, which is not plain then.
    EXPECT_NE(live("static inline int f(void)\n{\n#pragma GCC unroll 4\n\treturn 1;\n}\n"), "");
}

TEST(LiveCode, GoesByDefinitionsOfMacros) {
    constexpr std::string_view text =
        "#define A(x) x\nint a;\n#undef B\n# define C\n#pragma define D\nint f(\n#define E e\nint e);\n";
    EXPECT_EQ(live(text), " int a;\n\n#pragma define D\n\n");
    EXPECT_THAT(used_macros(text), testing::ElementsAre("A", "B", "E"));
}

TEST(LiveCode, OfTextThatIsNotUnderstood) {
    for (const char* text : {"int f(void) {", "int x = 1; }", "int f(void", "int x"})
        EXPECT_EQ(live_code(text), std::nullopt) << text;
    EXPECT_THAT(live_code(""), Optional(std::string()));
}

}  // namespace
}  // namespace klp::source
