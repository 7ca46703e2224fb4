// SPDX-License-Identifier: GPL-2.0-or-later
// What a changed header can touch: items and names, and who may use them.
#include <gmock/gmock.h>

#include <random>

#include "source/c_items.hpp"
#include "source/c_tokens.hpp"
#include "source/makefile_change.hpp"
#include "source/touched_names.hpp"
#include "source/word_index.hpp"

namespace klp::source {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::Optional;
using testing::UnorderedElementsAre;

TEST(CLines, AreLogicalOnesWithoutComments) {
    EXPECT_THAT(code_lines("a /* x\n */ b // c \\\n d\n#define X \\\n  1\n\"/* no\" '\"' // y\n#error Don't\nz"),
                ElementsAre("a b", "#define X 1", "\"/* no\" '\"'", "#error Don't", "z"));
}

TEST(CMacros, InPieces) {
    const CMacro macro = parse_definition("#define M(a, b...) a##_x b");
    EXPECT_EQ(macro.name, "M");
    EXPECT_THAT(macro.parameters, ElementsAre("a", "b"));
    EXPECT_THAT(macro.body, ElementsAre("a", "#", "#", "_x", "b"));
    EXPECT_FALSE(parse_definition("#define M (a)").has_parameters);
    EXPECT_THAT(parse_definition("#define M(...) x").parameters, ElementsAre("__VA_ARGS__"));
}

// The names of the only item; "?" for an unknown one.
std::vector<std::string> names(std::string_view text) {
    const auto items = c_items(text);
    if (items.size() != 1) return {"items: " + std::to_string(items.size())};
    if (items[0].kind == CItem::Kind::unknown) return {"?"};
    return items[0].names;
}

TEST(CItems, HaveTheNamesTheyIntroduce) {
    EXPECT_THAT(names("int f(struct a *x, size_t y);"), ElementsAre("f"));
    EXPECT_THAT(names("extern __printf(2, 3) void f(const char *, ...) __cold;"), ElementsAre("f"));
    EXPECT_THAT(names("static inline struct a *f(int (*g)(int))\n{\n\tif (x) { y(); }\n\treturn 0;\n}"),
                ElementsAre("f"));
    EXPECT_THAT(names("static inline struct a f(struct b c)\n{\n\treturn c.x;\n}"), ElementsAre("f"));
    EXPECT_THAT(names("struct a;"), IsEmpty());
    EXPECT_THAT(names("struct a { int x; struct b { int y; } z; enum { P, Q = F(1, 2), } e; };"),
                UnorderedElementsAre("a", "b", "P", "Q"));
    EXPECT_THAT(names("struct __packed a { int x; } __aligned(8);"), ElementsAre("a"));
    EXPECT_THAT(names("typedef struct { int x; } a_t, *a_p;"), ElementsAre("a_t", "a_p"));
    EXPECT_THAT(names("typedef irqreturn_t (*handler_t)(int, void *);"), ElementsAre("handler_t"));
    EXPECT_THAT(names("extern int (*hook)(void);"), ElementsAre("hook"));
    EXPECT_THAT(names("extern struct a b[], *c;"), ElementsAre("b", "c"));
    EXPECT_THAT(names("static const char * const t[] = { \"a,b;\", \"}\" };"), ElementsAre("t"));
    EXPECT_THAT(names("#define F(x) g(x)"), ElementsAre("F"));
    EXPECT_THAT(names("#undef F"), ElementsAre("F"));
    EXPECT_THAT(names("static_assert(sizeof(struct a) == 8);"), IsEmpty());
    // An attribute that is not known: one name more.
    EXPECT_THAT(names("unheard_of unsigned long f(void);"), ElementsAre("f"));
    EXPECT_THAT(names("unheard_of size_t f(void);"), Contains("f"));
}

TEST(CItems, AreUnknownWhereTheyAreNotPlain) {
    for (const char* text :
         {"DECLARE_THING(a, b);", "static DEFINE_THING(a);", "int FNAME(walk)(int x);", "int x;", "int x = 3;",
          "int f(void)\n{\n\treturn 1;\n}", "static int f(void) __used;", "asm(\"nop\");", "enum { MADE(A), };",
          "struct s { struct_group_tagged(tag, g, int x;); };", ".macro m a\n\tnop\n.endm",
          "extern \"C\" { int f(void); }", "static int f(void) { return 0; ", "#pragma pack(1)",
          "void f(void) asm(\"g\");"})
        EXPECT_THAT(names(text), ElementsAre("?")) << text;
}

TEST(CItems, BracesThatConditionsOpenTwice) {
    const auto items = c_items(
        "#ifdef A\nstatic inline int f(int a) {\n#else\nstatic inline int f(void) {\n#endif\n\treturn 0;\n}\nint "
        "g(void);\n");
    ASSERT_EQ(items.size(), 2U);
    EXPECT_EQ(items[0].kind, CItem::Kind::unknown);
    EXPECT_THAT(items[1].names, ElementsAre("g"));
}

std::optional<NameSet> touched(std::string_view before, std::string_view after) {
    const auto found = touched_names(before, after);
    return found ? std::optional(found->names) : std::nullopt;
}

constexpr std::string_view sample =
    "#ifndef H\n#define H\n#include <x.h>\n/* text */\nstruct s { int a; };\n#ifdef CONFIG_A\nint f(void);\n#else\n"
    "static inline int f(void) { return 0; }\n#endif\n#define M 1\nDECLARE(x);\n#endif\n";

std::string changed(std::string_view from, std::string_view to) {
    std::string text(sample);
    const std::size_t at = text.find(from);
    return at == std::string::npos ? "" : text.replace(at, from.size(), to);
}

TEST(TouchedNames, OfChanges) {
    EXPECT_THAT(touched(sample, sample), Optional(IsEmpty()));
    EXPECT_THAT(touched(sample, changed("/* text */", "/* other */\n\n")), Optional(IsEmpty()));
    EXPECT_THAT(touched(sample, changed("int a;", "int a;  int b;")), Optional(ElementsAre("s")));
    EXPECT_THAT(touched(sample, changed("return 0", "return 1")), Optional(ElementsAre("f")));
    EXPECT_THAT(touched(sample, changed("M 1", "M 2")), Optional(ElementsAre("M")));
    EXPECT_THAT(touched(sample, changed("#define M 1", "int g(void);\n#define M 1")), Optional(ElementsAre("g")));
    EXPECT_THAT(touched(sample, changed("CONFIG_A", "CONFIG_B")), Optional(ElementsAre("f")));
    // Another order: who comes first may matter.
    EXPECT_THAT(touched("int f(void);\n#define M 1\n", "#define M 1\nint f(void);\n"), Optional(Not(IsEmpty())));
    EXPECT_EQ(touched(sample, changed("<x.h>", "<y.h>")), std::nullopt);
    EXPECT_EQ(touched(sample, changed("DECLARE(x)", "DECLARE(y)")), std::nullopt);
}

TEST(TouchedNames, WhetherMacrosComeOrGo) {
    const auto makes_macros = [](std::string_view from, std::string_view to) {
        return touched_names(sample, changed(from, to)).value_or(TouchedNames{}).makes_macros;
    };
    EXPECT_FALSE(makes_macros("M 1", "M 2"));
    EXPECT_FALSE(makes_macros("int a;", "int a, b;"));
    EXPECT_TRUE(makes_macros("#define M 1", "#define M 1\n#define N 1"));
    EXPECT_TRUE(makes_macros("#define M 1\n", ""));
    EXPECT_TRUE(makes_macros("#define M 1", "#undef M"));
    EXPECT_TRUE(makes_macros("#define M 1", "#ifdef X\n#define M 1\n#endif"));
    EXPECT_TRUE(makes_macros("#define M 1", "#define M 1\n#define M 2"));
}

// Each item of a header, changed or taken away in turn, is among those that are touched, or cannot be told.
TEST(TouchedNames, OfChangesAtRandom) {
    std::mt19937 random(20261122);
    const auto pick = [&](std::size_t count) {
        return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
    };
    const std::vector<std::string> kinds = {"int NAME(struct a *x);",
                                            "#define NAME(x) ((x) + 1)",
                                            "struct NAME {\n\tint x;\n};",
                                            "typedef struct a *NAME;",
                                            "extern long NAME[];",
                                            "static inline int NAME(void)\n{\n\treturn 1;\n}",
                                            "enum {\n\tNAME = 1,\n};",
                                            "#ifdef X\nint NAME(void);\n#endif",
                                            "static inline struct a *NAME(int x)\n{\n\treturn 0;\n}"};
    for (int round = 0; round < 300; ++round) {
        std::vector<std::string> items;
        for (std::size_t i = 0; i < 1 + pick(8); ++i) {
            std::string item = kinds[pick(kinds.size())];
            item.replace(item.find("NAME"), 4, "name" + std::to_string(i));
            items.push_back(std::move(item));
        }
        const auto text = [&] {
            std::string all;
            for (const auto& item : items) all += item + (pick(2) == 0 ? "\n" : "\n/* c */\n\n");
            return all;
        };
        const std::string before = text();
        const std::size_t which = pick(items.size());
        const std::string name = "name" + std::to_string(which);
        const bool is_taken_away = pick(2) == 0;
        if (is_taken_away)
            items[which].clear();
        else
            items[which].insert(items[which].find(name) + name.size(), items[which].find("#define") == 0 ? "" : "_new");
        if (!is_taken_away && items[which].starts_with("#define")) items[which] += " + 2";
        const auto found = touched(before, text());
        ASSERT_TRUE(found) << before;
        EXPECT_THAT(*found, Contains(name)) << before << "\n---\n" << text();
        for (const auto& other : *found) EXPECT_THAT(other, testing::StartsWith(name));
    }
}

TEST(Words, OutsideOfComments) {
    const auto sums = word_sums("ab /* cd */ \"ef // gh\" // ij\nkl '\"' mn 0xop\n#define a x##y");
    const auto has = [&](std::string_view word) { return std::ranges::binary_search(sums, word_sum(word)); };
    for (const char* word : {"ab", "ef", "gh", "kl", "mn", "a", "x", "y"}) EXPECT_TRUE(has(word)) << word;
    for (const char* word : {"cd", "ij", "xop", "op"}) EXPECT_FALSE(has(word)) << word;
}

TEST(Words, IndexKeepsWhatItWasMadeOf) {
    const TempDir folder("klp-test");
    write_file(folder.path() / "a", "int one, two;");
    write_file(folder.path() / "b", "int two;");
    const WordIndex made = WordIndex::of(
        {"a", "b"}, [&](const std::string& path) { return folder.path() / path; }, 1);
    const WordIndex index(made.text());
    EXPECT_THAT(index.files_with(std::set{word_sum("two")}), ElementsAre("a", "b"));
    EXPECT_THAT(index.files_with(std::set{word_sum("one"), word_sum("three")}), ElementsAre("a"));
    EXPECT_THROW(WordIndex(made.text().substr(1)), Error);
}

TEST(Makefiles, NewObjectsAlone) {
    constexpr std::string_view makefile =
        "obj-y += a.o\nfoo-y := b.o \\\n\tc.o # text\nobj-$(CONFIG_X) += foo.o\nccflags-y := -DX\n";
    const auto with = [&](std::string_view from, std::string_view to) {
        std::string text(makefile);
        return added_objects(makefile, text.replace(text.find(from), from.size(), to));
    };
    EXPECT_THAT(with("c.o", "c.o new.o"), Optional(ElementsAre("new.o")));
    EXPECT_THAT(with("a.o", "a.o n.o m.o"), Optional(ElementsAre("m.o", "n.o")));
    EXPECT_THAT(with("ccflags", "foo-$(CONFIG_Y) += new.o\nccflags"), Optional(ElementsAre("new.o")));
    EXPECT_EQ(with("ccflags", "bar-y += new.o\nccflags"), std::nullopt);  // it takes the place of bar.c
    EXPECT_EQ(with("a.o", "new.o"), std::nullopt);
    EXPECT_EQ(with("-DX", "-DX -DY"), std::nullopt);
    EXPECT_EQ(with("ccflags", "ifdef A\nobj-y += new.o\nendif\nccflags"), std::nullopt);
    EXPECT_EQ(with("foo-y :=", "foo-y +="), std::nullopt);
    EXPECT_EQ(with("ccflags", "obj-y += sub/\nccflags"), std::nullopt);
    EXPECT_EQ(with("a.o", "a.o"), std::nullopt);
}

}  // namespace
}  // namespace klp::source
