// SPDX-License-Identifier: GPL-2.0-or-later
// Types that are laid out differently: which changes of them are refused, and where objects of them may be.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.hpp"
#include "diff/pair.hpp"
#include "diff/type_changes.hpp"

namespace klp::diff {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Two compilations with debug information, and what their types are.
struct TypedPair {
    elf::Object original;
    elf::Object patched;
    TypeTable before;
    TypeTable after;
    Diagnostics diagnostics{};
    std::optional<Result> result{};

    TypedPair(std::string_view from, std::string_view to, std::set<std::string, std::less<>> accepted = {},
              const std::string& debug = "-gdwarf-4", Macros macros = {})
        : original(test::compile(from, {debug, "-gz=none"})),
          patched(test::compile(to, {debug, "-gz=none"})),
          before(TypeTable::read(original)),
          after(TypeTable::read(patched)) {
        Options options;
        options.types.emplace(before, after);
        options.accepted_layouts = std::move(accepted);
        options.macros = std::move(macros);
        try {
            result.emplace(diff(decompose(original, patched, {}, diagnostics), options, diagnostics));
        } catch (const Error& error) {
            if (error.code() != ExitCode::unsafe) throw;
        }
    }

    // The notes of all findings `diff.layout`.
    [[nodiscard]] std::vector<std::string> notes() const {
        std::vector<std::string> found;
        for (const Finding& each : diagnostics.findings()) {
            EXPECT_EQ(each.id, "diff.layout");
            found.insert(found.end(), each.notes.begin(), each.notes.end());
        }
        return found;
    }
    [[nodiscard]] std::vector<std::string> refused_types() const {
        std::vector<std::string> found;
        for (const Finding& each : diagnostics.findings())
            found.push_back(each.message.substr(0, each.message.find(" changed")));
        std::ranges::sort(found);
        return found;
    }
};

// A heap object of `type`, whose declaration stands before it, and a function that changes with and without it.
std::string user_of(std::string_view declarations, std::string_view type, int number) {
    return fmt::format(
        "{0}\n{1} *get(void); void put(void *);\n"
        "int user(void) {{ {1} *it = get(); put(it); return sizeof(*it) + {2}; }}\n",
        declarations, type, number);
}

TypedPair changed_type(std::string_view before, std::string_view after, std::string_view type = "struct foo") {
    return {user_of(before, type, 1), user_of(after, type, 2)};
}

struct Case {
    std::string_view name;
    std::string_view before;
    std::string_view after;
    std::string_view note;  // empty: no finding
};

void PrintTo(const Case& each, std::ostream* out) {
    *out << each.name;
}

class LayoutChanges : public testing::TestWithParam<Case> {};

TEST_P(LayoutChanges, AreRefused) {
    const auto& [name, before, after, note] = GetParam();
    const TypedPair pair = changed_type(before, after);
    if (note.empty()) {
        EXPECT_THAT(pair.notes(), IsEmpty());
        EXPECT_TRUE(pair.result.has_value());
    } else {
        EXPECT_THAT(pair.notes(), Contains(std::string(note)));
        EXPECT_THAT(pair.notes(), Contains("used by: user"));
        EXPECT_FALSE(pair.result.has_value());
    }
}

INSTANTIATE_TEST_SUITE_P(
    Members, LayoutChanges,
    testing::Values(
        Case{"Swapped", "struct foo { long a; int b; int c; };", "struct foo { int b; int c; long a; };",
             "member 'a' moved from offset 0x0 to 0x8"},
        Case{"Added", "struct foo { int a; };", "struct foo { int a; int b; };",
             "member 'b' added at offset 0x4, 4 bytes"},
        Case{"AddedInHole", "struct foo { char a; int b; };", "struct foo { char a; char c; int b; };",
             "a hole that the new member fills holds anything in objects that exist"},
        Case{"Removed", "struct foo { int a; int b; };", "struct foo { int a; };",
             "member 'b' removed, was at offset 0x4, 4 bytes"},
        Case{"ToPointer", "struct foo { long a; };", "struct foo { struct foo *a; };",
             "member 'a' was an integer of 8 bytes at offset 0x0, is struct foo * at offset 0x0"},
        Case{"ToOtherSize", "struct foo { int a; };", "struct foo { long a; };",
             "member 'a' was an integer of 4 bytes at offset 0x0, is an integer of 8 bytes at offset 0x0"},
        Case{"ToOtherPointer", "struct x; struct y; struct foo { struct x *a; };",
             "struct x; struct y; struct foo { struct y *a; };",
             "member 'a' was struct x * at offset 0x0, is struct y * at offset 0x0"},
        Case{"ToOtherFunction", "struct foo { void (*a)(int); };", "struct foo { void (*a)(int, int); };",
             "member 'a' was pointer to fn(;int4) at offset 0x0, is pointer to fn(;int4;int4) at offset 0x0"},
        Case{"ArrayBound", "struct foo { int a[4]; };", "struct foo { int a[5]; };",
             "member 'a' was int4[4] at offset 0x0, is int4[5] at offset 0x0"},
        Case{"BitField", "struct foo { unsigned a:3, b:2; };", "struct foo { unsigned a:4, b:2; };",
             "member 'b' moved from offset 0x0 bit 3 to 0x0 bit 4"},
        Case{"NewBitField", "struct foo { unsigned a:3; };", "struct foo { unsigned a:3, b:1; };",
             "member 'b' added at offset 0x0 bit 3, 1 bits"},
        Case{"AnonymousStruct", "struct foo { int a; struct { int b, c; }; };",
             "struct foo { int a; struct { int c, b; }; };", "member 'b' moved from offset 0x4 to 0x8"},
        Case{"NamedMemberOfAnonymousType", "struct foo { struct { int b, c; } in; };",
             "struct foo { struct { int c, b; } in; };", "member 'in.b' moved from offset 0x0 to 0x4"},
        Case{"ArrayOfAnonymousType", "struct foo { struct { int b, c; } in[3]; };",
             "struct foo { struct { int c, b; } in[3]; };", "member 'in[].b' moved from offset 0x0 to 0x4"},
        Case{"Aligned", "struct foo { int a; };", "struct foo { int a; } __attribute__((aligned(16)));",
             "size was 4 bytes, is 16"},
        Case{"Packed", "struct foo { char a; int b; };", "struct foo { char a; int b; } __attribute__((packed));",
             "member 'b' moved from offset 0x4 to 0x1"}));

INSTANTIATE_TEST_SUITE_P(
    Harmless, LayoutChanges,
    testing::Values(Case{"Renamed", "struct foo { int a; int b; };", "struct foo { int a; int other; };", ""},
                    Case{"RenamedInUnion", "struct foo { union { int a; char b; }; };",
                         "struct foo { union { int z; char b; }; };", ""},
                    Case{"Typedef", "struct foo { unsigned int a; };",
                         "typedef unsigned int u32; struct foo { u32 a; };", ""},
                    Case{"Sign", "struct foo { int a; };", "struct foo { unsigned int a; };", ""},
                    Case{"Wrapped", "struct foo { int a; };",
                         "typedef struct { int counter; } atomic_t; struct foo { atomic_t a; };", ""},
                    Case{"Qualified", "struct foo { char *a; };", "struct foo { const char *const a; };", ""},
                    Case{"VoidPointer", "struct foo { void *a; };", "struct foo { struct foo *a; };", ""},
                    Case{"FlexibleArray", "struct foo { int n; int a[0]; };", "struct foo { int n; int a[]; };", ""},
                    Case{"Grouped", "struct foo { int a; int b; };", "struct foo { struct { int a; int b; }; };", ""}));

TEST(Layout, OfAUnion) {
    EXPECT_THAT(changed_type("union foo { int a; };", "union foo { int a; long b; };", "union foo").notes(),
                Contains("member 'b' added at offset 0x0, 8 bytes"));
}

TEST(Layout, OfAnAnonymousTypeThatATypedefNames) {
    const auto pair =
        changed_type("typedef struct { int a, b; } foo_t;", "typedef struct { int b, a; } foo_t;", "foo_t");
    EXPECT_THAT(pair.refused_types(), ElementsAre("foo_t"));
}

TEST(Layout, OfATypeThatAnotherOneHolds) {
    const auto pair = changed_type("struct in { int a; }; struct foo { int n; struct in in; int last; };",
                                   "struct in { int a, b; }; struct foo { int n; struct in in; int last; };");
    EXPECT_THAT(pair.refused_types(), ElementsAre("struct foo", "struct in"));
}

TEST(Layout, OfATypeThatIsReachedByWayOfAnother) {
    const auto pair = changed_type("struct in { int a; }; struct foo { struct in *in; };",
                                   "struct in { int a, b; }; struct foo { struct in *in; };");
    EXPECT_THAT(pair.notes(), Contains("reached by way of other types by: user"));
}

TEST(Layout, OfWhatOnlyCastsName) {
    constexpr std::string_view code = "int user(void *x) { return ((struct foo *)x)->b + 1; }";
    const TypedPair pair(fmt::format("struct foo {{ int a, b; }}; {}", code),
                         fmt::format("struct foo {{ int a, n, b; }}; {}", code));
    EXPECT_THAT(pair.refused_types(), ElementsAre("struct foo"));
}

TEST(Layout, OfATypeThatGotAnotherName) {
    const auto side = [&](std::string_view members, std::string_view name) {
        return fmt::format(
            "{0} {{ {2} }}; {0} *get(void); struct list {{ {0} *head; }} list;"
            "int user(void) {{ {0} *it = list.head; return it->b + {1}; }}",
            name, members.size(), members);
    };
    const TypedPair changed(side("int a, b;", "struct foo"), side("int a, n, b;", "struct fresh"));
    EXPECT_THAT(changed.refused_types(), ElementsAre("struct fresh"));
    const TypedPair renamed(side("int a, b;", "struct foo"), side("int a,  b;", "struct fresh"));
    EXPECT_THAT(renamed.refused_types(), IsEmpty());
    const TypedPair retagged(side("int a; long b;", "struct foo"), side("int a; long b;", "union foo"));
    EXPECT_THAT(retagged.refused_types(), Contains("union foo"));
}

// Lines above it are new, so that it begins at another one.
TEST(Layout, OfATypeThatGotAnotherNameAndPlace) {
    const auto side = [&](std::string_view file, int line, std::string_view name, std::string_view members) {
        return fmt::format(
            "# {1} \"{0}\"\n{2} {{ {3} }};\n# 500 \"foo.c\"\nint user(void *p) {{ {2} *it = p; return it->b; }}", file,
            line, name, members);
    };
    const auto refused = [&](std::string_view file, int line, std::string_view members) {
        return TypedPair(side(file, 10, "struct foo", "int a, b;"), side(file, line, "struct fresh", members))
            .refused_types();
    };
    for (const char* members : {"int b, a;", "int a, n, b;", "long a; int b;"}) {
        EXPECT_THAT(refused("foo.c", 12, members), ElementsAre("struct fresh")) << members;
        EXPECT_THAT(refused("foo.c", 300, members), ElementsAre("struct fresh")) << members;
        EXPECT_THAT(refused("foo.h", 12, members), ElementsAre("struct fresh")) << members;
        // Of a header that declares both, and that is included for another of its types now.
        EXPECT_THAT(refused("foo.h", 300, members), IsEmpty()) << members;
    }
    EXPECT_THAT(refused("foo.c", 12, "int a, b;"), IsEmpty());
}

TEST(Layout, OfAVariable) {
    constexpr std::string_view code = "int user(void) { return state.b; }";
    const TypedPair pair(fmt::format("struct {{ int a, b; }} state; {}", code),
                         fmt::format("struct {{ int b, a; }} state; {}", code));
    EXPECT_THAT(pair.refused_types(), ElementsAre("variable state"));
}

std::vector<std::string> ids(const TypedPair& pair) {
    std::vector<std::string> found;
    for (const Finding& each : pair.diagnostics.findings()) found.push_back(each.id);
    return found;
}

// Module parameters, sysctl files and other functions may have changed it.
TEST(FoldedData, WhereTheOnlyWriterGoes) {
    const auto source = [](std::string_view attribute, std::string_view set, std::string_view read) {
        return fmt::format(
            "int use(int); static int limit {} = 5; int f(int x) {{ return use(x) {}; }}"
            "void set(int x) {{ {}; }}",
            attribute, read, set);
    };
    const std::string before = source("", "limit = x", "> limit");
    const TypedPair pair(before, source("", "use(x)", "> limit"));
    EXPECT_THAT(ids(pair), ElementsAre("diff.folded-data"));
    EXPECT_THAT(pair.diagnostics.findings().front().message, HasSubstr("'f' has read variable 'limit'"));
    EXPECT_THAT(ids({before, source("__attribute__((used))", "use(x)", "> limit")}), IsEmpty());
    EXPECT_THAT(ids({before, source("", "limit = x + 1", "> limit")}), IsEmpty());
    // It has been one before.
    EXPECT_THAT(ids({source("", "use(x)", "> limit"), source("", "use(x)", "> limit + x")}), IsEmpty());
    // Taken away in the source, too.
    EXPECT_THAT(ids({before, "int use(int); int f(int x) { return use(x) > 5; } void set(int x) { use(x); }"}),
                IsEmpty());
}

TEST(FoldedData, OfAFunction) {
    const auto source = [](std::string_view kind, std::string_view set) {
        return fmt::format("int use(int); int f(int x) {{ {} limit = 5; if (x > limit) {}; return use(limit); }}", kind,
                           set);
    };
    const std::string before = source("static int", "limit = x");
    EXPECT_THAT(ids({before, source("static int", "use(x)")}), ElementsAre("diff.folded-data"));
    EXPECT_THAT(ids({before, source("static int", "limit = x + 1")}), IsEmpty());
    // Debug information does not tell an automatic variable that is a constant from it.
    EXPECT_THAT(ids({before, source("int", "use(x)")}), ElementsAre("diff.folded-data"));
    EXPECT_THAT(ids({before, source("int", "limit = x")}), IsEmpty());
}

TEST(Enumerators, ThatAreRenumbered) {
    constexpr std::string_view code = "int user(int x) { return x == LAST; }";
    const TypedPair named(fmt::format("enum state {{ FIRST, LAST }}; {}", code),
                          fmt::format("enum state {{ FIRST, MIDDLE, LAST }}; {}", code));
    EXPECT_THAT(named.refused_types(), ElementsAre("enum state"));
    EXPECT_THAT(named.notes(), Contains("enumerator 'LAST' was 1, is 2"));
    const TypedPair anonymous(fmt::format("enum {{ FIRST, LAST }}; {}", code),
                              fmt::format("enum {{ FIRST, MIDDLE, LAST }}; {}", code));
    EXPECT_THAT(anonymous.refused_types(), ElementsAre("enum { FIRST, ... }"));
}

TEST(Enumerators, ThatAreNewOrRenamed) {
    const TypedPair pair("enum state { FIRST, LAST }; int user(int x) { return x == LAST; }",
                         "enum state { BEGIN, LAST, NEW }; int user(int x) { return x == LAST || x == NEW; }");
    EXPECT_THAT(pair.refused_types(), IsEmpty());
}

// fill() and sum() are called with the address of what is on the stack of user().
std::string on_the_stack(std::string_view members, std::string_view more = "") {
    return fmt::format(
        "struct args {{ {} }}; extern int input(void); {}\n"
        "static __attribute__((noinline)) void fill(struct args *x) {{ x->a = input(); x->b = input() + x->a; }}\n"
        "int user(void) {{ struct args x; fill(&x); return x.a * 3 + x.b; }}\n",
        members, more);
}

TEST(OnTheStack, OfChangedFunctionsAloneAnyLayoutIsRight) {
    const TypedPair pair(on_the_stack("int a, b;"), on_the_stack("int n, b; long a;"));
    EXPECT_THAT(pair.refused_types(), IsEmpty());
    ASSERT_TRUE(pair.result.has_value());
    EXPECT_EQ(pair.result->functions.size(), 2U);
}

TEST(OnTheStack, UnchangedFunctionsOfTheFileMayGetTheirAddress) {
    constexpr std::string_view more =
        "static __attribute__((noinline)) int peek(struct args *x) { return *(int *)x; }"
        "int other(void) { struct args x = {}; x.b = input(); input(); return peek(&x) + *(volatile int *)&x.b; }";
    const TypedPair pair(on_the_stack("int a, b;", more), on_the_stack("int n, b; long a;", more));
    EXPECT_THAT(pair.refused_types(), IsEmpty());
}

TEST(OnTheStack, NotWhereTheTypeIsElsewhereToo) {
    for (const std::string_view more : {"struct args global;int g(void){return global.b;}",
                                        "struct list { struct args *head; } *list; void *g(void){return list->head;}",
                                        "struct holder { struct args x; }; int g(struct holder *h) {return h->x.b;}",
                                        "struct args *find(void); int g(void){ struct args *p = find(); return p->b; }",
                                        "__attribute__((noinline)) int g(struct args *x) { return *(int *)x; }"}) {
        const TypedPair pair(on_the_stack("int a, b;", more), on_the_stack("int n, b; long a;", more));
        EXPECT_THAT(pair.refused_types(), Contains("struct args")) << more;
    }
}

TEST(Accepted, TypesAreInTheResult) {
    const TypedPair pair(user_of("struct foo { int a; };", "struct foo", 1),
                         user_of("struct foo { int a, b; };", "struct foo", 2), {"foo"});
    EXPECT_THAT(pair.refused_types(), IsEmpty());
    ASSERT_TRUE(pair.result.has_value());
    ASSERT_EQ(pair.result->accepted_layouts.size(), 1U);
    EXPECT_EQ(pair.result->accepted_layouts.front().type, "struct foo");
    EXPECT_THAT(pair.result->accepted_layouts.front().functions, ElementsAre("user"));
}

TEST(Accepted, NamesThatAreNotNeededAreFindings) {
    const TypedPair pair(user_of("struct foo { int a; };", "struct foo", 1),
                         user_of("struct foo { int a; };", "struct foo", 2));
    Diagnostics diagnostics;
    check_accepted({"foo", "nothing"}, {&pair.before, &pair.after}, {}, diagnostics);
    ASSERT_EQ(diagnostics.findings().size(), 2U);
    EXPECT_EQ(diagnostics.findings()[0].id, "diff.accept-unused");
    EXPECT_EQ(diagnostics.findings()[1].id, "diff.accept-unknown");
}

TEST(Details, OfAFindingAreForPrograms) {
    const auto pair = changed_type("struct foo { int a; unsigned b:2; };", "struct foo { unsigned b:2; int a; };");
    ASSERT_EQ(pair.diagnostics.findings().size(), 1U);
    const Json details = Json::parse(pair.diagnostics.findings().front().details);
    EXPECT_EQ(details["type"], "struct foo");
    EXPECT_EQ(details["functions"], Json({"user"}));
    EXPECT_EQ(details["members"][0]["name"], "a");
    EXPECT_EQ(details["members"][0]["original"]["offset"], 0);
    EXPECT_EQ(details["members"][0]["patched"]["offset"], 4);
    EXPECT_EQ(details["members"][1]["patched"]["bit_size"], 2);
}

TEST(TypeTableText, GivesTheSameTable) {
    const auto pair = changed_type(
        "enum e { A = -1, B = 200 }; struct in { int a; }; struct foo { struct in in; enum e e; "
        "unsigned b:2; struct { int x; } y[2]; };",
        "struct foo { int a; };");
    EXPECT_EQ(TypeTable::parse(pair.before.text(), {}), pair.before);
    EXPECT_THROW((void)TypeTable::parse("r 7\n", {}), Error);
    EXPECT_THROW((void)TypeTable::parse("t struct 4 1 - foo\nr 7\n", {}), Error);
    EXPECT_THROW((void)TypeTable::parse("t struct x 1 - foo\n", {}), Error);
}

TEST(DebugInformation, OfEitherVersionSaysTheSame) {
    constexpr std::string_view source =
        "enum e { A = -1, B = 200 }; struct foo { enum e e; unsigned b:2, c:9; long d[3]; };"
        "int user(struct foo *x) { return x->c; }";
    EXPECT_EQ(TypedPair(source, source, {}, "-gdwarf-4").before, TypedPair(source, source, {}, "-gdwarf-5").before);
}

TEST(DebugInformation, ThatIsMissingOrDamaged) {
    const elf::Object without = test::compile("int f(void) { return 1; }");
    EXPECT_FALSE(TypeTable::is_in(without));
    elf::Object damaged = test::compile("struct foo { int a; } x; int f(void) { return x.a; }", {"-g", "-gz=none"});
    ASSERT_TRUE(TypeTable::is_in(damaged));
    std::vector<std::byte>& content = damaged.find_section(".debug_info")->edit();
    for (std::size_t i = 24; i < content.size(); ++i) content[i] = std::byte(0x7f);
    EXPECT_THROW((void)TypeTable::read(damaged), Error);
}

TEST(EnumeratorLayout, MacrosInThePlaceOfEnumeratorsHaveTheirNumbers) {
    constexpr auto source = "{}\nint get(void);\nint user(void) {{ return get() == IDLE ? BUSY : {}; }}\n";
    const std::string original = fmt::format(source, "enum { IDLE = 4, BUSY = 8, LAST = 4 };", 1);
    const auto with = [&](const char* kept, Macros macros, std::set<std::string, std::less<>> accepted = {}) {
        std::string text = kept;
        for (const auto& [name, value] : macros) text += "\n#define " + name + " " + value;
        return TypedPair(original, fmt::format(source, text, 2), std::move(accepted), "-gdwarf-4", std::move(macros));
    };
    const auto all = with("", {{"IDLE", "(1 << 12)"}, {"BUSY", "0x8UL"}});
    EXPECT_THAT(all.notes(), testing::Contains("enumerator 'IDLE' was 4, is 4096"));
    EXPECT_THAT(all.notes(), testing::Not(testing::Contains(testing::HasSubstr("BUSY"))));
    const auto one = with("enum { BUSY = 8, LAST = 4 };", {{"IDLE", "BIT_OF(3)"}, {"BIT_OF", ""}});
    EXPECT_THAT(one.notes(), testing::Contains("enumerator 'IDLE' was 4, is a macro whose number is not known here"));
    EXPECT_EQ(with("", {{"IDLE", "4"}, {"BUSY", "IDLE * 2"}}).notes().size(), 0);
    EXPECT_EQ(with("enum { BUSY = 8, LAST = 4 };", {{"IDLE", "LAST"}}).notes().size(), 0);
    EXPECT_TRUE(with("", {{"IDLE", "5"}, {"BUSY", "8"}}, {"IDLE"}).result.has_value());
}

TEST(MacroValue, OfConstantExpressions) {
    const Macros macros = {{"A", "3"}, {"B", "A + 1"}, {"LOOP", "LOOP|LOOP"}, {"UNKNOWN", ""}};
    const auto value = [&](std::string_view text) {
        return macro_value(text, macros, [](std::string_view name) {
            return name == "known" ? std::optional<std::int64_t>(-2) : std::nullopt;
        });
    };
    EXPECT_EQ(value("1"), 1);
    EXPECT_EQ(value(" ( 1U << 3 ) | 0x10ull"), 24);
    EXPECT_EQ(value("-1"), -1);
    EXPECT_EQ(value("~0"), -1);
    EXPECT_EQ(value("010"), 8);
    EXPECT_EQ(value("BIT(2) | BIT_ULL(40)"), (std::int64_t{1} << 40) + 4);
    EXPECT_EQ(value("2 + 3 * 4 - 1"), 13);
    EXPECT_EQ(value("B * 2"), 8);
    EXPECT_EQ(value("known"), -2);
    for (const char* each :
         {"", "()", "1 +", "x", "1 << 64", "08", "0x", "1 2", "UNKNOWN", "LOOP", "f(1)", "\"a\"", "(1"})
        EXPECT_EQ(value(each), std::nullopt) << each;
    EXPECT_EQ(value(std::string(100'000, '(')), std::nullopt);
    EXPECT_EQ(value(std::string(100'000, '-') + "1"), std::nullopt);
}

}  // namespace
}  // namespace klp::diff
