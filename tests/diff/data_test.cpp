// SPDX-License-Identifier: GPL-2.0-or-later
// Variables and constants: which is which, what is carried along, what cannot change.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diff/pair.hpp"

namespace klp::diff {
namespace {

using test::compare_c;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Data, OfTheOriginalIsReferredTo) {
    const auto compared =
        compare_c("static int count; int f(int x) { return count += x; } int g(void) { return count; }",
                  "static int count; int f(int x) { return count += x + 1; } int g(void) { return count; }");
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compared.references(), Contains("count"));
    EXPECT_THAT(compared.data(), IsEmpty());
    const auto reference = std::ranges::find(compared.result.value().references, "count", &Reference::name);
    EXPECT_EQ(reference->original, compared.original.find_symbol("count"));
    EXPECT_TRUE(reference->defined_in_unit);
    EXPECT_FALSE(reference->extracted->is_local());
}

TEST(Data, NewOneIsCarriedAlong) {
    const auto compared = compare_c(
        "int f(int x) { return x; }",
        "static int total = 7, unused = 8; static int *where = &total; int f(int x) { total += x; return *where; }");
    EXPECT_THAT(compared.data(), Contains("new total"));
    EXPECT_THAT(compared.data(), Not(Contains("new unused")));
}

TEST(Data, NewPerCpuVariableGoesToTheSectionOfModules) {
    const auto compared =
        compare_c("int f(int x) { return x; }",
                  "static __attribute__((section(\".data..percpu..shared_aligned\"), aligned(64))) int n = 1;\n"
                  "int f(int x) { return n += x; }");
    EXPECT_THAT(compared.data(), ElementsAre("new n"));
    const elf::Section* section = compared.result.value().extracted.find_section(".data..percpu");
    ASSERT_NE(section, nullptr);
    EXPECT_EQ(section->alignment, 64);
}

TEST(Data, NewOneWithoutASymbolIsRefused) {
    const std::string anonymous = ".section .data.anonymous,\"aw\"\n.Lanonymous: .quad 5\n";
    const auto text = [](std::string_view body) {
        return ".section .text.f,\"ax\"\n.globl f\n.type f,@function\nf: call __fentry__\n" + std::string(body) +
               "\nret\n.size f,.-f\n.section __mcount_loc,\"a\"\n.quad f\n";
    };
    EXPECT_THAT(test::compare_asm(text("nop"), text("mov .Lanonymous(%rip), %rax") + anonymous).verdict(),
                ElementsAre("refused diff.anonymous-data"));
}

TEST(Data, ThatChangedIsRefused) {
    const auto compared = compare_c("int table[2] = {1, 2}; int f(int x) { return table[x]; }",
                                    "int table[2] = {1, 3}; int f(int x) { return table[x]; }");
    EXPECT_THAT(compared.verdict(), ElementsAre("refused diff.data-changed"));
    const Finding& finding = compared.diagnostics.findings().front();
    EXPECT_THAT(finding.message, HasSubstr("'table'"));
    EXPECT_THAT(finding.hints, Contains(HasSubstr("shadow variables")));
    EXPECT_THAT(
        compare_c("int n[2]; int f(int x) { return n[x]; }", "int n[3]; int f(int x) { return n[x]; }").verdict(),
        ElementsAre("refused diff.data-changed"));
}

TEST(Data, ThatIsGoneIsNoProblem) {
    EXPECT_THAT(compare_c("int old = 3; int gone(void) { return old; } int f(int x) { return x; }",
                          "int f(int x) { return x + 1; }")
                    .verdict(),
                ElementsAre("changed f"));
}

constexpr auto two_counters = R"(
    int use(int);
    int f(int x) { static int count; count += x; return use(count); }
    int g(int x) { static int count; count -= x; return use(count) + 1; }
)";

// Which number GCC gives to which `count` changes with what comes before.
TEST(StaticLocal, IsFoundByWhoRefersToIt) {
    const auto compared = compare_c(two_counters, R"(
    int use(int);
    static __attribute__((noinline)) int h(int x) { static int other; other ^= x; return use(other); }
    int g(int x) { static int count; count -= x; return use(count) + 1; }
    int f(int x) { static int count; count += x + 1; return use(count) + h(x); }
    )");
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f", "new h"));
    const auto symbol = [&](std::string_view section) {
        return compared.original.find_section(section)->rela()[1].symbol;
    };
    const auto reference = std::ranges::find_if(compared.result.value().references,
                                                [](const Reference& each) { return each.name.starts_with("count"); });
    ASSERT_NE(reference, compared.result.value().references.end());
    EXPECT_EQ(reference->original->section, symbol(".text.f")->section);
    EXPECT_THAT(compared.data(), ElementsAre(testing::StartsWith("new other")));
}

TEST(StaticLocal, ThatMayBeEitherIsRefused) {
    const auto compared = compare_c("int use(int); int f(int x) { static int count; count += x; return use(count); }",
                                    "int use(int); int f(int x) { { static int count; use(count++); } static int "
                                    "count; count += x; return use(count); }");
    EXPECT_THAT(compared.verdict(), Contains("refused diff.ambiguous-local"));
    EXPECT_THAT(compared.diagnostics.findings().front().notes, ElementsAre(HasSubstr("count.")));
}

TEST(StaticLocal, OfTwoFunctionsKeepsTwoReferences) {
    const auto compared = compare_c(R"(
    int use(int);
    int f(int x) { static int count; count += x; return use(count); }
    int g(int x) { static int count; count -= x; return use(count); }
    )",
                                    R"(
    int use(int);
    int f(int x) { static int count; count += x; return use(count) + 1; }
    int g(int x) { static int count; count -= x; return use(count) + 1; }
    )");
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f", "changed g"));
    EXPECT_THAT(compared.relocations(".text.f"), Not(testing::ElementsAreArray(compared.relocations(".text.g"))));
}

// The code is the same but for the functions that are called: which block is which cannot be told by order.
TEST(StaticLocal, OfTwoBlocksThatChangePlacesIsRefused) {
    const auto source = [](const char* first, const char* second) {
        return fmt::format(
            "int g(int *), h(int *); void f(void) {{ {{ static int n; {}(&n); }} {{ static int n; {}(&n); }} }}", first,
            second);
    };
    EXPECT_THAT(compare_c(source("g", "h"), source("h", "g")).verdict(), Contains("refused diff.ambiguous-local"));
    const auto counters = [](int first, int second) {
        return fmt::format("void f(void) {{ {{ static int n; n += {}; }} {{ static int n; n += {}; }} }}", first,
                           second);
    };
    EXPECT_THAT(compare_c(counters(2, 3), counters(3, 2)).verdict(), Contains("refused diff.ambiguous-local"));
}

TEST(StaticLocal, OfTwoBlocksKeepsItsPlaceInTheSameCode) {
    constexpr auto source =
        "int g(int *), h(int *); void f(void) { { static int n; g(&n); } { static int n; h(&n); } }\n";
    EXPECT_THAT(
        compare_c(std::string(source) + "int k(void) { return 1; }", std::string(source) + "int k(void) { return 2; }")
            .verdict(),
        ElementsAre("changed k"));
}

TEST(StaticLocal, ThatLeavesItsFunctionOrEntersOneIsRefused) {
    constexpr auto inside = "int f(void) { static int count = 4; return count++; }";
    constexpr auto outside = "static int count = 4; int f(void) { return count++; }";
    EXPECT_THAT(compare_c(inside, outside).verdict(), ElementsAre("refused diff.ambiguous-local"));
    EXPECT_THAT(compare_c(outside, inside).verdict(), ElementsAre("refused diff.ambiguous-local"));
}

TEST(Data, ThatBecomesConstantStaysTheSameObject) {
    const auto source = [](const char* qualifier, const char* operation) {
        return fmt::format(
            "struct ops {{ int (*f)(void); }}; int h(void); static {} struct ops ops = {{h}}; int use(const struct "
            "ops*); "
            "int f(const struct ops *o) {{ return use(o) + (o {} &ops); }} void g(void) {{ {}; }}",
            qualifier, operation, *qualifier == 0 ? "ops.f = 0" : "");
    };
    const auto compared = compare_c(source("", "=="), source("const", "!="));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f", "changed g"));
    EXPECT_THAT(compared.references(), Contains("ops"));
    EXPECT_THAT(compared.data(), IsEmpty());
    EXPECT_THAT(compare_c(source("const", "=="), source("", "!=")).verdict(), ElementsAre("refused diff.data-changed"));
}

TEST(Data, ThatMovesToOtherKindsOfMemoryIsRefused) {
    const auto source = [](const char* section) {
        return fmt::format("static __attribute__((section(\"{}\"))) int n = 1; int f(int x) {{ return n += x; }}",
                           section);
    };
    constexpr auto refused = "refused diff.data-changed";
    EXPECT_THAT(compare_c(source(".data"), source(".data..percpu")).verdict(), ElementsAre(refused));
    EXPECT_THAT(compare_c(source(".data..percpu"), source(".data")).verdict(), ElementsAre(refused));
    EXPECT_THAT(compare_c(source(".data..ro_after_init"), source(".data")).verdict(), ElementsAre(refused));
    EXPECT_THAT(compare_c(source(".data"), source(".data..ro_after_init")).verdict(), IsEmpty());
    EXPECT_THAT(compare_c(source(".data"), source(".data..read_mostly")).verdict(), IsEmpty());
}

TEST(Constant, KeepsItsIdentityWhereItDidNotChange) {
    const auto compared = compare_c(
        "struct ops { int (*f)(void); }; int h(void); static const struct ops ops = {h}; int f(const struct ops *o) { "
        "return o == &ops; }",
        "struct ops { int (*f)(void); }; int h(void); static const struct ops ops = {h}; int f(const struct ops *o) { "
        "return o != &ops; }");
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compared.references(), Contains("ops"));
    EXPECT_THAT(compared.data(), IsEmpty());
}

TEST(Constant, ThatChangedTakesItsUsersAlong) {
    const auto source = [](const char* value) {
        return std::string("static const int table[4] = {1, 2, 3, ") + value +
               "}; int f(int x) { return table[x]; } int g(int x) { return x; }";
    };
    const auto compared = compare_c(source("4"), source("5"));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compared.result.value().functions[0].reason, HasSubstr("'table'"));
    EXPECT_THAT(compared.data(), ElementsAre("new table"));
    EXPECT_THAT(compared.references(), Not(Contains("table")));
}

TEST(Constant, ThatChangedUnderAVariableIsRefused) {
    const auto source = [](const char* value) {
        return std::string("static const int table[1] = {") + value + "}; const int *variable = table;";
    };
    EXPECT_THAT(compare_c(source("4"), source("5")).verdict(), ElementsAre("refused diff.constant-identity"));
}

TEST(Constant, OfOtherFilesToo) {
    EXPECT_THAT(compare_c("const int limit = 4;", "const int limit = 5;").verdict(),
                ElementsAre("refused diff.data-changed"));
}

TEST(Constant, WithPointersThatIsReadThroughIsCopied) {
    const auto source = [](const char* value) {
        return std::string("int a(void), b(void); static int (*const table[2])(void) = {a, ") + value +
               "}; int f(int x) { return table[x](); }";
    };
    const auto compared = compare_c(source("a"), source("b"));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compared.data(), ElementsAre("new table"));
    EXPECT_THAT(compared.diagnostics.findings(), IsEmpty());
}

TEST(Constant, WithoutANameOfItsOwnIsCopied) {
    const auto source = [](const char* value) {
        return std::string("int print(const char *, int); int f(void) { return print(__func__, ") + value + "); }";
    };
    const auto compared = compare_c(source("4"), source("5"));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compared.data(), ElementsAre(testing::StartsWith("copied __func__")));
}

// include/linux/once_lite.h: the states have one name; what is told next says which is which.
// Where a check of -fsanitize=bounds is, in data without a name, numbered anew for each unit.
TEST(SanitizerData, ComesAlongAndIsComparedByContent) {
    const auto object = [](std::string_view more, std::string_view index) {
        return test::compile(fmt::format("int table[4];\n"
                                         "{}\n"
                                         "#line 10\n"
                                         "int g(int i) {{ return table[i]; }}\n"
                                         "int f(int i) {{ return table[i] + {}; }}\n",
                                         more, index),
                             {"-fsanitize=bounds"});
    };
    const test::Compared moved(object("", "1"), object("static inline int h(int i) { return table[i + 1]; }\n"
                                                       "int (*get(void))(int) { return h; }",
                                                       "1"));
    EXPECT_THAT(moved.verdict(), ElementsAre("new get", "new h"));
    const test::Compared changed(object("", "1"), object("", "2"));
    ASSERT_THAT(changed.verdict(), ElementsAre("changed f"));
    const auto& sections = changed.result.value().extracted.sections();
    const auto places = std::ranges::count_if(sections, [](const auto& each) {
        return each->name.starts_with(".data..Lubsan_data") && each->is_writable() && each->size() != 0;
    });
    EXPECT_EQ(places, 1);
}

TEST(MessageState, IsFoundAgainByItsMessage) {
    const auto source = [](std::initializer_list<const char*> messages) {
        std::string text = "int printk(const char *, ...); void f(int x) {\n";
        for (const char* each : messages) {
            text += std::string(
                        "if (x++ > 3) { static __attribute__((section(\".data.once\"))) char __already_done; if "
                        "(!__already_done) { __already_done = 1; printk(\"") +
                    each + "\"); } }\n";
        }
        return text + "}";
    };
    const auto states = [](const test::Compared& compared) {
        std::vector<std::string> lines;
        for (const auto& each : compared.references())
            if (each.starts_with("__already_done")) lines.push_back(each);
        return lines;
    };
    const auto one = compare_c(source({"one"}), source({"new", "one"}));
    EXPECT_THAT(one.verdict(), ElementsAre("changed f"));
    EXPECT_EQ(states(one).size(), 1);
    ASSERT_EQ(one.data().size(), 2);  // one state, and the strings
    const auto two = compare_c(source({"one", "two"}), source({"two", "new", "one"}));
    EXPECT_EQ(states(two).size(), 2);
    // Of two, the one that is kept is the one that tells the same.
    const auto kept = [](const test::Compared& compared) -> std::uint64_t {
        for (const auto& each : compared.result.value().references)
            if (each.name.starts_with("__already_done")) return each.original->value;
        return ~std::uint64_t{0};
    };
    const auto first = compare_c(source({"one", "two"}), source({"one"}));
    const auto second = compare_c(source({"one", "two"}), source({"two"}));
    EXPECT_THAT(states(first), testing::SizeIs(1));
    EXPECT_THAT(states(second), testing::SizeIs(1));
    EXPECT_NE(kept(first), kept(second));
    // only new ones
    const auto fresh = compare_c("int printk(const char *, ...); void f(int x) { printk(\"x\"); }", source({"one"}));
    EXPECT_THAT(fresh.verdict(), ElementsAre("changed f"));
    EXPECT_THAT(states(fresh), IsEmpty());
}

// include/linux/ratelimit.h: the message is behind the call that asks the state.
std::string limited(std::initializer_list<const char*> messages) {
    std::string text =
        "int printk(const char *, ...) __attribute__((cold)); int ___ratelimit(void *, const char *); void f(int x) "
        "{\n";
    for (const char* each : messages) {
        text += std::string(
                    "if (x++ > 3) { static struct { int a, b; } _rs = {5, 10}; if (___ratelimit(&_rs, "
                    "__func__)) printk(\"") +
                each + "\"); }\n";
    }
    return text + "}";
}

// The message that each state of the original still belongs to, "0: one".
std::vector<std::string> told_by(const test::Compared& compared) {
    std::vector<std::string> lines;
    for (const auto& each : compared.result.value().references)
        if (each.name.starts_with("_rs") || each.name.starts_with("__already_done"))
            lines.push_back(each.original->name);
    std::ranges::sort(lines);
    return lines;
}

std::vector<std::string> ids_of(const test::Compared& compared) {
    std::vector<std::string> ids;
    for (const Finding& each : compared.diagnostics.findings()) ids.push_back(each.id + ": " + each.message);
    return ids;
}

TEST(MessageState, OfALimitedRateIsFoundAgainByItsMessage) {
    const auto added = compare_c(limited({"one", "two"}), limited({"new", "one", "two"}));
    EXPECT_THAT(told_by(added), testing::SizeIs(2));
    EXPECT_THAT(ids_of(added), IsEmpty());
    const auto swapped = compare_c(limited({"one", "two"}), limited({"two", "one"}));
    EXPECT_THAT(told_by(swapped), testing::SizeIs(2));
    // Each of two is kept where it alone is left.
    const auto first = told_by(compare_c(limited({"one", "two"}), limited({"one"})));
    const auto second = told_by(compare_c(limited({"one", "two"}), limited({"two"})));
    EXPECT_THAT(first, testing::SizeIs(1));
    EXPECT_THAT(second, testing::SizeIs(1));
    EXPECT_NE(first, second);
}

// include/linux/netdevice.h: netdev_printk() is given the level, which others have, too.
TEST(MessageState, IsNotFoundByTheLevelOfItsMessage) {
    const auto source = [](std::initializer_list<const char*> messages) {
        std::string text = "int tell(const char *, int, const char *) __attribute__((cold)); void f(int x) {\n";
        for (const char* each : messages) {
            text += std::string(
                        "if (x++ > 3) { static char __already_done; if (!__already_done) { __already_done = 1; "
                        "tell(\"\\0013\", x, \"") +
                    each + "\"); } }\n";
        }
        return text + "}";
    };
    const auto compared = compare_c(source({"one", "two"}), source({"new", "one", "two"}));
    EXPECT_THAT(told_by(compared), testing::SizeIs(2));
    EXPECT_THAT(ids_of(compared), IsEmpty());
}

TEST(MessageState, ThatMayBeAnotherOnesStartsAnewAndThatIsTold) {
    // Which of the two was there?
    const auto same = compare_c(limited({"one", "two"}), limited({"one", "one", "two"}));
    EXPECT_THAT(told_by(same), testing::SizeIs(1));
    EXPECT_THAT(ids_of(same), ElementsAre(testing::AllOf(testing::StartsWith("diff.message-again"),
                                                         testing::HasSubstr("'f'"), testing::HasSubstr("\"one\""))));
    EXPECT_EQ(same.diagnostics.findings().front().severity, Severity::note);
    // A new message in the place of one that is gone has not been told yet.
    const auto other = compare_c(limited({"one"}), limited({"two"}));
    EXPECT_THAT(told_by(other), IsEmpty());
    EXPECT_THAT(ids_of(other), ElementsAre(testing::HasSubstr("\"one\"")));
    // Nothing begins again where a message is only gone or only added, or where as many as before tell the same.
    EXPECT_THAT(ids_of(compare_c(limited({"one", "two"}), limited({"two"}))), IsEmpty());
    EXPECT_THAT(ids_of(compare_c(limited({"one", "one"}), limited({"one", "new", "one"}))), IsEmpty());
}

}  // namespace
}  // namespace klp::diff
