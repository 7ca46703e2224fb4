// SPDX-License-Identifier: GPL-2.0-or-later
// Warnings of what stays behind when a livepatch goes, and of what it waits for when it comes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diff/pair.hpp"

namespace klp::diff {
namespace {

using test::compare_c;
using test::Compared;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> warnings(const Compared& compared, std::string_view id) {
    std::vector<std::string> messages;
    for (const Finding& each : compared.diagnostics.findings()) {
        EXPECT_EQ(each.severity, Severity::warning) << each.message;
        if (each.id == id) messages.push_back(each.message);
    }
    return messages;
}

// f() becomes what `body` says, with `more` in front of it.
Compared with_f(const char* more, const char* body) {
    constexpr auto common =
        "struct work {{ void (*f)(struct work *); const char *name; void *data; }}; int use(const "
        "void *); {}\nint f(struct work *w) {{ {} }}";
    return compare_c(fmt::format(common, "", "return 0;"), fmt::format(common, more, body));
}

constexpr auto new_work = "static void new_work(struct work *w) { w->data = 0; }";
constexpr auto new_data = "static int table[64];";

TEST(Outlives, AddressOfANewFunctionThatIsStored) {
    const auto compared = with_f(new_work, "w->f = new_work; return 0;");
    EXPECT_THAT(warnings(compared, "diff.outlives"),
                ElementsAre(testing::AllOf(HasSubstr("new function 'new_work'"), HasSubstr("'f'+0x"))));
    EXPECT_THAT(compared.result.value().outlives, ElementsAre(testing::StartsWith("'new_work' in 'f'+0x")));
}

TEST(Outlives, AddressThatIsHandedOn) {
    EXPECT_THAT(warnings(with_f(new_work, "return use((void *)new_work);"), "diff.outlives"),
                ElementsAre(HasSubstr("new function 'new_work'")));
    EXPECT_THAT(warnings(with_f(new_data, "return use(table);"), "diff.outlives"),
                ElementsAre(HasSubstr("new variable 'table'")));
    EXPECT_THAT(warnings(with_f("static const int table[4] = {1, 2, 3, 4};", "return use(table);"), "diff.outlives"),
                ElementsAre(HasSubstr("new constant 'table'")));
}

TEST(Outlives, AddressInNewData) {
    const auto source = fmt::format("{} static struct work the_work = {{new_work}};", new_work);
    EXPECT_THAT(warnings(with_f(source.c_str(), "return the_work.data++ == w;"), "diff.outlives"),
                ElementsAre(HasSubstr("new function 'new_work'")));
}

// An empty list, as in a new mutex.
TEST(Outlives, NotDataThatLeadsToItself) {
    const auto compared = with_f("static struct work list = {0, 0, &list};", "return list.data == w;");
    EXPECT_THAT(warnings(compared, "diff.outlives"), IsEmpty());
    const auto handed_on = with_f("static struct work list = {0, 0, &list};", "return use(&list);");
    EXPECT_THAT(warnings(handed_on, "diff.outlives"), ElementsAre(HasSubstr("new variable 'list'")));
}

TEST(Outlives, NotWhatIsOnlyCalledOrAccessed) {
    EXPECT_THAT(
        with_f("static __attribute__((noinline)) int helper(int x) { return x * 3 + use(0); }", "return helper(5);")
            .diagnostics.findings(),
        IsEmpty());
    EXPECT_THAT(with_f(new_data, "return table[(long)w & 63]++;").diagnostics.findings(), IsEmpty());
    EXPECT_THAT(with_f("", "return use(\"a string\");").diagnostics.findings(), IsEmpty());
    EXPECT_THAT(with_f("", "return use(__func__);").diagnostics.findings(), IsEmpty());
}

TEST(Outlives, NotWhatIsGivenBack) {
    const auto source = [](const char* more, const char* body) {
        return fmt::format(
            "void mutex_lock(void *), other_lock(void *); long work(long); {} long f(long x) {{ {} return "
            "work(x); }}",
            more, body);
    };
    constexpr auto lock = "static long lock[4];";
    EXPECT_THAT(compare_c(source("", ""), source(lock, "mutex_lock(lock);")).diagnostics.findings(), IsEmpty());
    EXPECT_THAT(warnings(compare_c(source("", ""), source(lock, "other_lock(lock);")), "diff.outlives"),
                ElementsAre(HasSubstr("'lock'")));
    // The register goes to two places.
    EXPECT_THAT(warnings(compare_c(source("long *kept;", ""),
                                   source("long *kept; static long lock[4];", "kept = lock; mutex_lock(lock);")),
                         "diff.outlives"),
                ElementsAre(HasSubstr("'lock'")));
}

TEST(Outlives, NotAFunctionOfTheOriginal) {
    const auto source = [](int value) {
        return fmt::format(
            "int use(const void *); static void work(int *p) {{ *p = {0}; }} int f(int x) {{ return "
            "use((void *)work) + {0}; }}",
            value);
    };
    EXPECT_THAT(compare_c(source(3), source(4)).diagnostics.findings(), IsEmpty());
}

TEST(Outlives, StringThatIsStored) {
    EXPECT_THAT(warnings(with_f("", "w->name = \"a string\"; return 0;"), "diff.outlives"),
                ElementsAre(HasSubstr("\"a string\"")));
    // One warning, which tells of both places.
    const auto two = with_f("", "w->name = \"a string\"; use(w); w->name = \"another one\"; return use(w);");
    EXPECT_THAT(warnings(two, "diff.outlives"), testing::SizeIs(1));
    EXPECT_THAT(two.result.value().outlives, testing::SizeIs(2));
}

// include/linux/lockdep.h: struct lock_class_key has no members where nothing checks locks.
TEST(Outlives, NotWhatHasNoSize) {
    constexpr auto key =
        "struct key {}; static struct key key; struct keyed { struct key *key; }; int hold(struct keyed *);";
    constexpr auto body = "struct keyed *k = (void *)w; k->key = &key; return hold(k);";
    EXPECT_THAT(warnings(with_f(key, body), "diff.outlives"), IsEmpty());
    constexpr auto full =
        "struct key { int n; }; static struct key key; struct keyed { struct key *key; }; int hold(struct keyed *);";
    EXPECT_THAT(warnings(with_f(full, body), "diff.outlives"), ElementsAre(HasSubstr("'key'")));
}

TEST(Outlives, StringThatACallKeeps) {
    constexpr auto irq = "int request_threaded_irq(unsigned, void *, void *, unsigned long, const char *, void *);";
    EXPECT_THAT(warnings(with_f(irq, "return request_threaded_irq(5, w, w, 0, \"a name\", w);"), "diff.outlives"),
                ElementsAre(HasSubstr("\"a name\"")));
    constexpr auto dma = "int request_dma(unsigned, const char *);";
    EXPECT_THAT(warnings(with_f(dma, "return request_dma(5, \"a name\");"), "diff.outlives"),
                ElementsAre(HasSubstr("\"a name\"")));
    EXPECT_THAT(
        warnings(with_f("int use_name(unsigned, const char *);", "return use_name(5, \"a name\");"), "diff.outlives"),
        IsEmpty());
}

// `body` of f(), which changes in what it returns.
Compared with_loop(const char* body, const char* more = "") {
    const auto source = [&](int value) {
        return fmt::format(
            "void schedule(void); long schedule_timeout(long); int kthread_should_stop(void), work(void); "
            "{}\nstatic __attribute__((noinline, used)) int f(void *p) {{ {} return {}; }} {}",
            "struct task; struct task *kthread_create_on_node(int (*)(void *), void *, int, const char *);", body,
            value, more);
    };
    return compare_c(source(1), source(2));
}

TEST(NeverEnds, MainFunctionOfAThread) {
    constexpr auto start = "void *start(void) { return kthread_create_on_node(f, 0, -1, \"daemon\"); }";
    EXPECT_THAT(warnings(with_loop("work();", start), "diff.never-ends"),
                ElementsAre(testing::AllOf(HasSubstr("'f'"), HasSubstr("which 'start' starts"))));
    EXPECT_THAT(warnings(with_loop("while (!kthread_should_stop()) work();"), "diff.never-ends"),
                ElementsAre(HasSubstr("kthread_should_stop()")));
    EXPECT_THAT(with_loop("work();").diagnostics.findings(), IsEmpty());
}

TEST(NeverEnds, MainFunctionThatOtherFilesStart) {
    constexpr auto threads =
        "void *svc_create_pooled(void *, int (*)(void *)); void *start(void *p) { return "
        "svc_create_pooled(p, f); }";
    EXPECT_THAT(warnings(with_loop("work();", threads), "diff.never-ends"),
                ElementsAre(HasSubstr("which 'start' starts")));
    for (const char* call : {"set_freezable", "kthread_exit", "__module_put_and_kthread_exit"}) {
        const std::string body = fmt::format("extern void {0}(void); {0}(); work();", call);
        EXPECT_THAT(warnings(with_loop(body.c_str()), "diff.never-ends"), ElementsAre(HasSubstr(call)));
    }
}

// Nothing waits for them: kernel/sched/idle.c:do_idle() takes them over.
TEST(NeverEnds, MainFunctionOfIdleTasks) {
    const auto source = [](const char* name, int value) {
        return fmt::format("void do_idle(int); void {}(void) {{ while (1) do_idle({}); }}", name, value);
    };
    EXPECT_THAT(warnings(compare_c(source("cpu_startup_entry", 1), source("cpu_startup_entry", 2)), "diff.never-ends"),
                ElementsAre(HasSubstr("idle tasks never leave 'cpu_startup_entry'")));
    EXPECT_THAT(compare_c(source("f", 1), source("f", 2)).diagnostics.findings(), IsEmpty());
}

TEST(NeverEnds, LoopAroundSchedule) {
    EXPECT_THAT(warnings(with_loop("while (work()) schedule();"), "diff.never-ends"),
                ElementsAre(HasSubstr("calls schedule() in a loop")));
    EXPECT_THAT(warnings(with_loop("do work(); while (schedule_timeout(5));"), "diff.never-ends"),
                ElementsAre(HasSubstr("calls schedule_timeout() in a loop")));
    EXPECT_THAT(warnings(with_loop("extern long wait_woken(void *, int, long); while (work()) wait_woken(p, 1, 5);"),
                         "diff.never-ends"),
                ElementsAre(HasSubstr("calls wait_woken() in a loop")));
    EXPECT_THAT(with_loop("while (work()) {} schedule();").diagnostics.findings(), IsEmpty());
}

// What runs is the original: that the patched one loops does not matter yet.
TEST(NeverEnds, OnlyWhereTheOriginalDoes) {
    constexpr auto before = "void schedule(void); int work(void); void f(void) { if (work()) schedule(); }";
    constexpr auto after = "void schedule(void); int work(void); void f(void) { while (work()) schedule(); }";
    EXPECT_THAT(compare_c(before, after).diagnostics.findings(), IsEmpty());
    EXPECT_THAT(warnings(compare_c(after, before), "diff.never-ends"), ElementsAre(HasSubstr("'f'")));
}

}  // namespace
}  // namespace klp::diff
