// SPDX-License-Identifier: GPL-2.0-or-later
// Things that are more than their content: constants whose address is kept, tables of labels, what has a new name.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diff/pair.hpp"

namespace klp::diff {
namespace {

using test::compare_c;
using test::Compared;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr auto constant_refused = "refused diff.constant-identity";

// `use` is a function that has `ops`, a table whose second member is `member`, or, in `plain`, a constant without
// pointers that is `member` bytes of something.
Compared with_ops(const char* use, const char* before = "c", const char* after = "d") {
    const auto source = [&](const char* member) {
        return fmt::format(
            "typedef __SIZE_TYPE__ word; struct ops {{ int (*f)(void), (*g)(void); }}; struct file {{ const struct ops "
            "*ops; word n; }};\nint b(void), c(void), d(void), keep(struct file *, const struct ops *);\n"
            "static const struct ops ops = {{b, {}}};\n{}",
            member, use);
    };
    return compare_c(source(before), source(after));
}

TEST(ConstantAddress, ThatIsComparedStoredOrHandedOnForbidsACopy) {
    for (const char* use : {
             "int f(struct file *file) { return file->ops == &ops; }",
             "void f(struct file *file) { file->ops = &ops; }",
             "int f(struct file *file) { return keep(file, &ops); }",
             "int f(struct file *file) { return keep(file, &ops) + 1; }",
             "word f(void) { return (word)&ops; }",
             "const struct ops *kept = &ops; int f(void) { return kept->f(); }",
             "static const struct ops *const all[] = {&ops, &ops}; int f(int i) { return all[i]->f(); }",
             "__attribute__((section(\".init.text\"))) int f(struct file *file) { return keep(file, &ops); }",
         }) {
        const auto compared = with_ops(use);
        EXPECT_THAT(compared.verdict(), ElementsAre(constant_refused)) << use;
    }
}

TEST(ConstantAddress, IsNotTakenByReading) {
    const auto direct = with_ops("int f(void) { return ops.g(); }");  // the compiler knows what it would read
    EXPECT_THAT(direct.verdict(), ElementsAre("changed f"));
    EXPECT_THAT(direct.data(), IsEmpty());
    const auto compared = with_ops("int f(int x) { return (&ops.f)[x](); }");
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compared.data(), ElementsAre("new ops"));
}

// What the old code stored is what old files have.
TEST(ConstantAddress, ThatOnlyTheOriginalTakesForbidsACopy) {
    const auto source = [](const char* member, const char* body) {
        return fmt::format(
            "int b(void), c(void), d(void); static int (*const ops[2])(void) = {{b, {}}}; int use(void *); int f(int "
            "x) "
            "{{ {} }}",
            member, body);
    };
    EXPECT_THAT(
        compare_c(source("c", "return ops[x]() + use((void *)ops);"), source("d", "return ops[x]();")).verdict(),
        ElementsAre(constant_refused));
    EXPECT_THAT(
        compare_c(source("c", "return ops[x]();"), source("d", "return ops[x]() + use((void *)ops);")).verdict(),
        ElementsAre(constant_refused));
}

TEST(ConstantAddress, OfAConstantWithoutPointersCountsToo) {
    const auto source = [](int value) {
        return fmt::format(
            "static const int limits[4] = {{1, 2, 3, {}}}; int use(const int *); int f(void) {{ return "
            "use(limits); }}",
            value);
    };
    const auto compared = compare_c(source(4), source(5));
    EXPECT_THAT(compared.verdict(), ElementsAre(constant_refused));
    const Finding& finding = compared.diagnostics.findings().front();
    EXPECT_THAT(finding.message, HasSubstr("'limits'"));
    EXPECT_THAT(finding.notes, ElementsAre(HasSubstr("'f' at +0x")));
    EXPECT_THAT(finding.hints, Contains(HasSubstr("leave the constant as it is")));
}

// lib/nlattr.c:__nla_parse() reads the policy, and that is all.
TEST(ConstantAddress, ThatAFunctionOnlyBorrowsIsNotTaken) {
    const auto source = [](int value, const char* position) {
        return fmt::format(
            "static const int policy[4] = {{1, 2, 3, {}}}; int use(int); int __nla_parse(const void *, int, void *, "
            "int, "
            "const void *, unsigned, void *); int f(void *p, int n) {{ return __nla_parse({}, 0, p) + 1; }}",
            value, position);
    };
    const auto compared = compare_c(source(4, "p, 3, p, n, policy"), source(5, "p, 3, p, n, policy"));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compared.data(), ElementsAre("new policy"));
    // The answer to the request may tell of an entry of it.
    ASSERT_EQ(compared.diagnostics.findings().size(), 1);
    EXPECT_EQ(compared.diagnostics.findings().front().id, "diff.outlives");
    // Another argument of the same function may be kept, and so may one of a function that is not known.
    EXPECT_THAT(compare_c(source(4, "policy, 3, p, n, p"), source(5, "policy, 3, p, n, p")).verdict(),
                ElementsAre(constant_refused));
}

// Its name has a number, and so its content was all that it was known by.
TEST(ConstantAddress, OfAStaticLocalCountsToo) {
    const auto source = [](int value) {
        return fmt::format(
            "int use(const int *); int f(void) {{ static const int limits[4] = {{1, 2, 3, {}}}; return "
            "use(limits); }}",
            value);
    };
    EXPECT_THAT(compare_c(source(4), source(5)).verdict(), ElementsAre(constant_refused));
}

constexpr auto callback_source = R"(
    struct ops {{ int (*f)(int), (*g)(int); }}; struct file {{ const struct ops *ops; }}; int other(int), more(int);
    {2}
    static int {0}(int x) {{ {1} }}
    static const struct ops ops = {{other, {0}}};
    void open(struct file *file) {{ file->ops = &ops; }}
    int is_mine(struct file *file) {{ return file->ops == &ops; }}
)";

TEST(Callback, ThatWasRenamedReplacesTheOldOne) {
    const auto compared = compare_c(fmt::format(callback_source, "read_it", "return other(x) + 1;", ""),
                                    fmt::format(callback_source, "read_it_now", "return other(x) + 2;", ""));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed read_it_now"));
    EXPECT_EQ(compared.result.value().functions[0].original, compared.original.find_symbol("read_it"));
    EXPECT_THAT(compared.data(), IsEmpty());
    EXPECT_THAT(compared.diagnostics.findings(), IsEmpty());
}

TEST(Callback, ThatWasOnlyRenamedIsUnchanged) {
    EXPECT_THAT(compare_c(fmt::format(callback_source, "read_it", "return other(x) + 1;", ""),
                          fmt::format(callback_source, "read_it_now", "return other(x) + 1;", ""))
                    .verdict(),
                IsEmpty());
}

// The old function comes along, since whoever goes to its own place gets the new one.
TEST(Callback, ThatCallsTheOneBeforeReplacesIt) {
    constexpr auto old_one = "static __attribute__((noinline)) int read_it(int x) { return more(x) + 1; }";
    const auto source = [&](const char* member, const char* new_one) {
        return fmt::format(
            "struct ops {{ int (*f)(int), (*g)(int); }}; struct file {{ const struct ops *ops; }}; int "
            "other(int), more(int); {} {} static const struct ops ops = {{other, {}}}; void open(struct "
            "file *file) {{ file->ops = &ops; }}",
            old_one, new_one, member);
    };
    constexpr auto new_one = "static int read_carefully(int x) { return x > 0 ? read_it(x) + 3 : 0; }";
    const auto compared = compare_c(source("read_it", ""), source("read_carefully", new_one));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed read_carefully", "new read_it"));
    const auto changed = std::ranges::find(compared.result.value().functions, "read_carefully", &FunctionChange::name);
    EXPECT_EQ(changed->original, compared.original.find_symbol("read_it"));
    EXPECT_THAT(compared.references(), Not(Contains("read_it")));
    // Somebody else uses the old one as it was.
    constexpr auto other_user = "int also(int x) { return read_it(x); }";
    EXPECT_THAT(
        compare_c(source("read_it", other_user), source("read_carefully", (std::string(other_user) + new_one).c_str()))
            .verdict(),
        ElementsAre(constant_refused));
}

TEST(Callback, ThatAWorkItemHasIsTheSameOne) {
    const auto source = [](const char* name, const char* body) {
        return fmt::format(
            "struct work {{ void (*f)(struct work *); int n; }}; void queue(struct work *); static void "
            "{0}(struct work *w) {{ {1} }} void f(struct work *w) {{ w->f = {0}; queue(w); }}",
            name, body);
    };
    const auto compared = compare_c(source("old_work", "w->n++;"), source("new_work", "w->n += 2;"));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed new_work"));
}

constexpr auto renamed_refused = "refused diff.renamed-data";

std::string counting(const char* name, const char* step) {
    return fmt::format(
        "static unsigned long {0}; unsigned long take(void) {{ return {0} += {1}; }} void give(void) {{ "
        "{0} -= 1; }}",
        name, step);
}

TEST(RenamedVariable, IsTheSameWhereOtherCodeProvesIt) {
    const auto compared = compare_c(counting("ids", "1"), counting("eventfd_ids", "2"));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed take"));
    EXPECT_THAT(compared.data(), IsEmpty());
    EXPECT_THAT(compared.references(), Contains("ids"));
    EXPECT_THAT(compare_c(counting("ids", "1"), counting("eventfd_ids", "1")).verdict(), IsEmpty());
}

TEST(RenamedVariable, IsRefusedWhereAllItsUsersChanged) {
    const auto source = [](const char* declaration, const char* name, const char* step) {
        return fmt::format("{} void f(void) {{ {} += {}; }}", declaration, name, step);
    };
    const auto before = source("static int ids;", "ids", "1");
    for (const char* declaration :
         {"static int counter;", "static int counter = 5;", "static long counter;", "int counter;"}) {
        const auto compared = compare_c(before, source(declaration, "counter", "2"));
        EXPECT_THAT(compared.verdict(), ElementsAre(renamed_refused)) << declaration;
        const Finding& finding = compared.diagnostics.findings().front();
        EXPECT_THAT(finding.message, testing::AllOf(HasSubstr("'ids'"), HasSubstr("'counter'")));
    }
    const auto kept = source("static int ids __attribute__((used)); static int counter;", "counter", "2");
    EXPECT_THAT(compare_c(before, kept).verdict(), ElementsAre("changed f"));
}

TEST(RenamedVariable, IsOneFindingForAllThatItMayBe) {
    const auto compared = compare_c("static int a, b; int f(int x) { return a++ + (b += x); }",
                                    "static int c; int f(int x) { return c += x; }");
    ASSERT_EQ(compared.diagnostics.findings().size(), 1);
    EXPECT_THAT(compared.diagnostics.findings().front().notes, ElementsAre(HasSubstr("(4 bytes)")));
}

TEST(RenamedVariable, InsideOfAFunctionIsRefused) {
    EXPECT_THAT(compare_c("int f(void) { static int count; return count++; }",
                          "int f(void) { static int total; return total += 2; }")
                    .verdict(),
                ElementsAre(renamed_refused));
}

TEST(RenamedVariable, IsSeenThroughAHelperThatWasInlined) {
    EXPECT_THAT(compare_c("static int ids; int use(int); int f(int x) { return use(ids += x); }",
                          "static int counter; int use(int); static __attribute__((noinline)) int add(int x) { return "
                          "counter += 2 * x; } int f(int x) { return use(add(x)) + 1; }")
                    .verdict(),
                ElementsAre(renamed_refused));
}

TEST(RenamedVariable, IsNotMeantByOneOfOtherFunctions) {
    EXPECT_THAT(
        compare_c("static int ids; int use(int); int f(int x) { return use(ids += x); } int g(int x) { return x; }",
                  "static int counter; int use(int); int f(int x) { return use(x); } int g(int x) { return "
                  "counter += x; }")
            .verdict(),
        ElementsAre("changed f", "changed g"));
}

TEST(RenamedConstant, WhoseAddressIsKeptIsTheSameOrRefused) {
    const auto source = [](const char* name, const char* member, const char* flag) {
        return fmt::format(
            "struct ops {{ int (*f)(int), (*g)(int); }}; struct file {{ const struct ops *ops; int n; }}; int "
            "a(int), b(int); static const struct ops {0} = {{a, {1}}}; void f(struct file *file) {{ "
            "file->ops = &{0}; file->n = {2}; }}",
            name, member, flag);
    };
    EXPECT_THAT(compare_c(source("old_ops", "b", "1"), source("new_ops", "b", "2")).verdict(),
                ElementsAre("changed f"));
    EXPECT_THAT(compare_c(source("old_ops", "b", "1"), source("new_ops", "b", "2")).references(), Contains("old_ops"));
    EXPECT_THAT(compare_c(source("old_ops", "b", "1"), source("new_ops", "a", "1")).verdict(),
                ElementsAre(constant_refused));
    EXPECT_THAT(compare_c(source("old_ops", "b", "1"), source("new_ops", "a", "2")).verdict(),
                ElementsAre(renamed_refused));
}

TEST(NewVariable, IsToldOf) {
    const auto compared =
        compare_c("int f(int x) { return x; }",
                  "static int total = 7; static int zero[4]; int f(int x) { return total += zero[x]++; }");
    EXPECT_THAT(compared.result.value().notes,
                testing::UnorderedElementsAre(HasSubstr("new variable 'total' (4 bytes)"),
                                              HasSubstr("new variable 'zero' (16 bytes)")));
}

// An interpreter's table of labels, as kernel/bpf/core.c has one.
std::string interpreter(const char* qualifier, const char* operation, const char* more = "") {
    return fmt::format(R"(
    int use(int);
    {2}
    int run(const unsigned char *code, int x) {{
        static {0} void *{3}labels[] = {{&&add, &&sub, &&mul, &&end}};
        goto *labels[*code++];
    add: x += use(x); goto *labels[*code++];
    sub: x -= use(x); goto *labels[*code++];
    mul: x *= use(x); goto *labels[*code++];
    end: return use(x) {1};
    }}
    )",
                       qualifier, operation, more, *qualifier != 0 ? "const " : "volatile ");
}

TEST(TableOfLabels, ComesAlongWithItsFunction) {
    const auto compared = compare_c(interpreter("const", "+ 1"), interpreter("const", "+ 2"));
    ASSERT_THAT(compared.verdict(), ElementsAre("changed run"));
    ASSERT_THAT(compared.data(), ElementsAre(HasSubstr("new labels")));
    const elf::Object& extracted = compared.result.value().extracted;
    const auto is_label_table = [](const auto& each) { return each->name.starts_with("labels"); };
    const elf::Symbol& table = **std::ranges::find_if(extracted.symbols(), is_label_table);
    ASSERT_NE(table.section, nullptr);
    const elf::Symbol* run = extracted.find_symbol("run");
    ASSERT_EQ(table.section->rela().size(), 4);
    for (const auto& each : table.section->rela()) EXPECT_EQ(each.symbol->section, run->section);
}

TEST(TableOfLabels, StaysWhereItsFunctionStays) {
    const auto source = [](const char* value) {
        return interpreter("const", "+ 1", fmt::format("int other(void) {{ return {}; }}", value).c_str());
    };
    EXPECT_THAT(compare_c(source("1"), source("2")).verdict(), ElementsAre("changed other"));
}

TEST(TableOfLabels, ThatIsWritableIsRefused) {
    EXPECT_THAT(compare_c(interpreter("", "+ 1"), interpreter("", "+ 2")).verdict(),
                ElementsAre("refused diff.leads-inside"));
}

// Who uses them is in another file.
TEST(RenamedData, OfAGlobalNameThatItsOwnFileDoesNotUse) {
    const auto source = [](const char* data, int value) {
        return fmt::format("int use(int); {} int f(int x) {{ return use(x) + {}; }}", data, value);
    };
    const auto verdict = [&](const char* was, const char* is) {
        return compare_c(source(was, 1), source(is, 2)).verdict();
    };
    EXPECT_THAT(verdict("int state;", "int status;"), ElementsAre("refused diff.renamed-data"));
    EXPECT_THAT(verdict("const int limits[] = {1, 2};", "const int bounds[] = {1, 2};"),
                ElementsAre("refused diff.renamed-data"));
    EXPECT_THAT(verdict("int state;", "int state, status;"), Contains("changed f"));
    EXPECT_THAT(verdict("int state;", "int table[4];"), Contains("changed f"));
    EXPECT_THAT(verdict("int state;", ""), Contains("changed f"));
}

TEST(Aliases, ThatLeadElsewhere) {
    const auto source = [](const char* a, int value) {
        return fmt::format(
            "int use(int); int b(int x) {{ return use(x) + 1; }} int c(int x) {{ return use(x) + {}; }} {}", value, a);
    };
    constexpr auto of_b = "int a(int x) __attribute__((alias(\"b\")));",
                   of_c = "int a(int x) __attribute__((alias(\"c\")));";
    constexpr auto own = "int a(int x) { return use(x) + 3; }";
    EXPECT_THAT(compare_c(source(of_b, 2), source(of_b, 3)).verdict(), ElementsAre("changed c"));
    for (const auto& [was, is] : {std::pair(of_b, of_c), std::pair(own, of_b), std::pair(of_b, own)}) {
        const auto pair = compare_c(source(was, 2), source(is, 2));
        EXPECT_THAT(pair.verdict(), Contains("refused diff.alias")) << was << is;
    }
    const auto data = [](const char* of) {
        return fmt::format(
            "const int b[] = {{1, 2}}, c[] = {{3, 4}}; extern const int a[] __attribute__((alias(\"{}\")));"
            "int f(int x) {{ return b[x] + c[x]; }}",
            of);
    };
    EXPECT_THAT(compare_c(data("b"), data("c")).verdict(), Contains("refused diff.alias"));
}

}  // namespace
}  // namespace klp::diff
