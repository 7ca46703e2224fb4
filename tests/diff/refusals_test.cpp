// SPDX-License-Identifier: GPL-2.0-or-later
// What no livepatch can do, said with its own id.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "diff/pair.hpp"

namespace klp::diff {
namespace {

using test::compare_asm;
using test::compare_c;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Refused, ChangedInitAndExitCode) {
    const auto source = [](const char* section, const char* value) {
        return std::string("int use(int); __attribute__((section(\"") + section +
               "\"))) int start(void) { return use(" + value + "); } int f(int x) { return x; }";
    };
    EXPECT_THAT(compare_c(source(".init.text", "1"), source(".init.text", "2")).verdict(),
                ElementsAre("refused diff.init-code"));
    EXPECT_THAT(compare_c(source(".exit.text", "1"), source(".exit.text", "2")).verdict(),
                ElementsAre("refused diff.exit-code"));
}

TEST(Refused, NotWhereAFunctionLosesItsInit) {
    const auto source = [](const char* section, const char* value) {
        return std::string("int use(int); __attribute__((noinline, section(\"") + section +
               "\"))) static int helper(int x) { return use(x) + use(x + 1); }\n"
               "__attribute__((section(\".init.text\"))) int start(void) { return helper(1); } int f(int x) { return " +
               value + "; }";
    };
    // start() refers to another function now; that is a change of init code
    EXPECT_THAT(compare_c(source(".init.text", "x"), source(".text.helper", "helper(x)")).verdict(),
                ElementsAre("refused diff.init-code"));
}

TEST(Refused, InitDataThatRunningCodeNeeds) {
    EXPECT_THAT(
        compare_c("int f(int x) { return x; }",
                  "static __attribute__((section(\".init.data\"))) int early = 1; int f(int x) { return early += x; }")
            .verdict(),
        Contains("refused diff.init-data"));
    EXPECT_THAT(compare_c("__attribute__((section(\".init.data\"))) int early = 1; int f(int x) { return x; }",
                          "__attribute__((section(\".init.data\"))) int early = 1; int f(int x) { return early += x; }")
                    .verdict(),
                ElementsAre("refused diff.init-reference"));
}

TEST(Refused, WhatFtraceCannotHook) {
    const auto source = [](const char* value) {
        return std::string("__attribute__((no_instrument_function)) int f(int x) { return x + ") + value +
               "; } int g(int x) { return x; }";
    };
    const auto compared = compare_c(source("1"), source("2"));
    EXPECT_THAT(compared.verdict(), ElementsAre("refused diff.not-traceable"));
    EXPECT_THAT(compared.diagnostics.findings()[0].message, HasSubstr("'f'"));
    // also where nothing in the object can be hooked, unless the caller looks after that itself
    constexpr auto before = ".section .text.f,\"ax\"\n.globl f\n.type f,@function\nf: nop\n.size f,.-f\n";
    constexpr auto after = ".section .text.f,\"ax\"\n.globl f\n.type f,@function\nf: int3\n.size f,.-f\n";
    EXPECT_THAT(compare_asm(before, after).verdict(), ElementsAre("refused diff.not-traceable"));
    const auto accepted = compare_asm(before, after, {.untraced_objects = true});
    EXPECT_THAT(accepted.verdict(), ElementsAre("changed f"));
    EXPECT_EQ(accepted.diagnostics.findings().at(0).id, "diff.untraced");
}

TEST(Refused, TablesThatTheKernelHasRead) {
    const auto entry = [](const char* section, const char* name, const char* value = "data") {
        return std::string("int f(int x) { return x; } extern int data, other; __attribute__((used, section(\"") +
               section + "\"))) static int *const " + name + " = &" + value + ";";
    };
    constexpr auto none = "int f(int x) { return x; }";
    constexpr auto exports = "___ksymtab_gpl+f";
    EXPECT_THAT(compare_c(entry(exports, "__ksymtab_f"), entry(exports, "__ksymtab_f", "other")).verdict(),
                ElementsAre("refused diff.export"));
    EXPECT_THAT(compare_c(none, entry("__param", "__param_size")).verdict(), ElementsAre("refused diff.table"));
    EXPECT_THAT(compare_c(entry("__param", "__param_size"), entry("__param", "__param_size", "other")).verdict(),
                ElementsAre("refused diff.table"));
    EXPECT_THAT(compare_c(none, entry(".initcall6.init", "__initcall__kmod_x__1_2_f6")).verdict(),
                ElementsAre("refused diff.init-data"));
    const auto removed = compare_c(entry("__param", "__param_size"), none);
    EXPECT_THAT(removed.verdict(), IsEmpty());
    ASSERT_EQ(removed.diagnostics.findings().size(), 1);
    EXPECT_EQ(removed.diagnostics.findings()[0].id, "diff.entry-stays");
}

// __COUNTER__ and __LINE__ are part of these names.
TEST(Refused, NotForCountersInNames) {
    const auto entry = [](const char* section, const char* name, const char* value = "data") {
        return std::string("int f(int x) { return x; } extern int data, other; __attribute__((used, section(\"") +
               section + "\"))) static int *const " + name + " = &" + value + ";";
    };
    EXPECT_THAT(compare_c(entry(".initcall6.init", "__initcall__kmod_x__10_20_f6"),
                          entry(".initcall6.init", "__initcall__kmod_x__11_25_f6"))
                    .verdict(),
                IsEmpty());
    EXPECT_THAT(
        compare_c(entry(".modinfo", "__UNIQUE_ID_author10"), entry(".modinfo", "__UNIQUE_ID_author12")).verdict(),
        IsEmpty());
}

// Entries that nothing depends on are left out, which is said.
TEST(NotCarried, EntriesThatOnlyInform) {
    const auto source = [](std::string_view section, std::string_view text) {
        return fmt::format(
            "int f(int x) {{ return x; }}\n__attribute__((used, section(\"{}\"), aligned(1))) static "
            "const char __UNIQUE_ID_{}[] = \"{}\";",
            section, "alias12", text);
    };
    constexpr auto none = "int f(int x) { return x; }";
    const auto added = compare_c(none, source(".modinfo", "alias=pci:x"));
    EXPECT_THAT(added.verdict(), IsEmpty());
    ASSERT_EQ(added.diagnostics.findings().size(), 1);
    EXPECT_EQ(added.diagnostics.findings()[0].id, "diff.not-carried");
    EXPECT_EQ(added.diagnostics.findings()[0].severity, Severity::note);
    EXPECT_THAT(added.diagnostics.findings()[0].message, HasSubstr("module information \"alias=pci:x\""));
    EXPECT_THAT(compare_c(source(".modinfo", "alias=pci:x"), source(".modinfo", "alias=pci:y")).verdict(), IsEmpty());
    EXPECT_THAT(compare_c(none, source(".modinfo", "import_ns=X")).diagnostics.findings(), IsEmpty());
    for (const char* section : {"__modver", "_error_injection_whitelist", "_ftrace_eval_map", ".kunit_test_suites"})
        EXPECT_THAT(compare_c(none, source(section, "x")).verdict(), IsEmpty()) << section;
    EXPECT_THAT(compare_c(none, source("__other", "x")).verdict(), ElementsAre("refused diff.table"));
}

// CONFIG_PRINTK_INDEX: entries hold line numbers, so that every one below a change is another.
TEST(NotCarried, TheIndexOfMessages) {
    const auto source = [](int line, std::string_view more) {
        return fmt::format(
            "struct entry {{ const char *text; int line; }};\n"
            "static const struct entry _entry = {{\"x\", {}}};\n"
            "static const struct entry *_entry_ptr __attribute__((used, section(\".printk_index\"))) = "
            "&_entry;\nint f(int x) {{ return x{}; }}",
            line, more);
    };
    EXPECT_THAT(compare_c(source(1, ""), source(2, "")).verdict(), IsEmpty());
    EXPECT_THAT(compare_c(source(1, ""), source(2, "+1")).verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compare_c("int f(int x) { return x; }", source(2, "+1")).verdict(), ElementsAre("changed f"));
}

// include/asm-generic/kprobes.h:NOKPROBE_SYMBOL
TEST(Carried, EntriesOfFunctionsThatMayNotBeProbed) {
    const auto source = [](std::string_view name, std::string_view value) {
        return fmt::format(
            "int use(int); __attribute__((noinline)) int {0}(int x) {{ return use(x + {1}); }}\n"
            "static unsigned long _kbl_addr_{0} __attribute__((used, section(\"_kprobe_blacklist\"))) = "
            "(unsigned long){0};\nint f(int x) {{ return {0}(x); }}",
            name, value);
    };
    const auto compared = compare_c("int f(int x) { return x; }", source("fresh", "1"));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f", "new fresh"));
    EXPECT_THAT(compared.relocations("_kprobe_blacklist"), ElementsAre("fresh+0"));
    const auto changed = compare_c(source("g", "1"), source("g", "2"));
    EXPECT_THAT(changed.verdict(), ElementsAre("changed g"));
    EXPECT_THAT(changed.relocations("_kprobe_blacklist"), ElementsAre("g+0"));
    EXPECT_THAT(compare_c(source("g", "1"), source("g", "1")).diagnostics.findings(), IsEmpty());
    const auto listed = compare_c(
        "int use(int); __attribute__((noinline)) int g(int x) { return use(x + 1); }\n"
        "int f(int x) { return g(x); }",
        source("g", "1"));
    EXPECT_THAT(listed.verdict(), IsEmpty());
    ASSERT_EQ(listed.diagnostics.findings().size(), 1);
    EXPECT_THAT(listed.diagnostics.findings()[0].message, HasSubstr("NOKPROBE_SYMBOL of 'g'"));
    // of a function in assembly
    const std::string elsewhere =
        "void other(void); static unsigned long _kbl_addr_other __attribute__((used, "
        "section(\"_kprobe_blacklist\"))) = (unsigned long)other;";
    EXPECT_THAT(
        compare_c(elsewhere + "int f(int x) { return x; }", elsewhere + "int f(int x) { return x + 1; }").verdict(),
        ElementsAre("changed f"));
}

// The texts of tracepoint_string() and trace_printk() are reached through pointers in sections of their own.
TEST(Carried, TextsOfTraces) {
    const auto source = [](std::string_view section, std::initializer_list<const char*> texts) {
        std::string text = "void use(const char *);";
        int number = 0;
        for (const char* each : texts) {
            text += fmt::format(
                "void f{0}(void) {{ static const char *text __attribute__((used, section(\"{1}\"))) = "
                "\"{2}\"; use(text); use(text); }}\n",
                number++, section, each);
        }
        return text;
    };
    for (const char* section : {"__tracepoint_str", "__trace_printk_fmt"}) {
        SCOPED_TRACE(section);
        EXPECT_THAT(compare_c(source(section, {"a", "b"}), source(section, {"a", "b"})).verdict(), IsEmpty());
        const auto compared = compare_c(source(section, {"a", "b"}), source(section, {"a", "c"}));
        EXPECT_THAT(compared.verdict(), ElementsAre("changed f1"));
        EXPECT_EQ(compared.result.value().extracted.find_section(section)->size(), 8);
    }
}

// A named string that init code has printed.
TEST(NotCarried, TextsThatInitCodePrinted) {
    const auto source = [](std::string_view version, std::string_view keeper) {
        return fmt::format(
            "int _printk(const char *, ...); void keep(const char *);\n"
            "static const char version[] = \"{0}\";\n"
            "__attribute__((section(\".init.text\"))) int start(void) {{ {1}(version); return 0; }}\n"
            "int f(int x) {{ return _printk(\"%s\", version) + x; }}",
            version, keeper);
    };
    const auto compared = compare_c(source("1.0 of many letters", "_printk"), source("2.0 of many letters", "_printk"));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    EXPECT_EQ(compared.diagnostics.findings().at(0).id, "diff.not-carried");
    EXPECT_THAT(compare_c(source("1.0 of many letters", "keep"), source("2.0 of many letters", "keep")).verdict(),
                ElementsAre("refused diff.constant-identity"));
}

// It has had its effect, and there is nothing that the livepatch would change instead.
TEST(Refused, ConstantsThatInitCodeAloneUses) {
    const auto source = [](std::string_view name, int result) {
        return fmt::format(
            "int use(const char *);\n"
            "__attribute__((section(\".init.text\"))) int start(void) {{ return use(\"{}\"); }}\n"
            "int f(int x) {{ return x + {}; }}",
            name, result);
    };
    EXPECT_THAT(compare_c(source("name", 1), source("other", 1)).verdict(), ElementsAre("refused diff.init-code"));
    EXPECT_THAT(compare_c(source("name", 1), source("other", 2)).verdict(), ElementsAre("refused diff.init-code"));
}

// What init code was compiled with has had its effect, what exit code was is good for what init code did.
TEST(NotCarried, ConstantsThatInitCodeUsed) {
    const auto source = [](std::string_view section, std::string_view name, std::string_view more = "1") {
        return fmt::format(
            "int use(const char *, int); static const int table[] = {{1, 2, {2}}};\n"
            "__attribute__((section(\"{0}\"))) int start(int x) {{ return use(\"{1}\", table[x]); }}\n"
            "__attribute__((used, section(\".init.data\"))) static const char *names[] = {{\"{1}\"}};\n"
            "int f(int x) {{ return use(\"{1}\", table[x]); }}",
            section, name, more);
    };
    for (const char* section : {".init.text", ".exit.text"}) {
        SCOPED_TRACE(section);
        for (const auto& after : {source(section, "other"), source(section, "name", "7")}) {
            const auto compared = compare_c(source(section, "name"), after);
            EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
            ASSERT_FALSE(compared.diagnostics.findings().empty());
            for (const Finding& each : compared.diagnostics.findings()) {
                EXPECT_EQ(each.id, "diff.not-carried");
                EXPECT_EQ(each.severity, Severity::note);
            }
        }
    }
    // but not what else it does
    const auto compared = compare_c(source(".init.text", "name"), source(".init.text", "name") + "int g; ");
    EXPECT_THAT(compared.verdict(), IsEmpty());
    std::string other = source(".init.text", "other");
    other.replace(other.find("start(int x) {"), 14, "start(int x) { x++;");
    EXPECT_THAT(compare_c(source(".init.text", "name"), other).verdict(), ElementsAre("refused diff.init-code"));
}

TEST(Refused, CodeThatSharesOneText) {
    constexpr auto before = ".globl f\n.type f,@function\nf: nop\n.size f,.-f\n";
    constexpr auto after = ".globl f\n.type f,@function\nf: int3\n.size f,.-f\n";
    EXPECT_THAT(compare_asm(before, after).verdict(), Contains("refused diff.no-function-sections"));
}

TEST(Refused, LinkTimeOptimisation) {
    constexpr auto source = ".section .gnu.lto_.decls,\"e\"\n.byte 1\n";
    EXPECT_THAT(compare_asm(source, source).verdict(), Contains("refused diff.lto"));
}

TEST(Refused, NothingForWhatIsNotInMemory) {
    constexpr auto before =
        ".section .debug_info,\"\"\n.byte 1\n.section .discard.x,\"a\"\n.byte 1\n.section "
        ".comment,\"MS\",@progbits,1\n.string \"1\"\n";
    constexpr auto after =
        ".section .debug_info,\"\"\n.byte 2\n.section .discard.x,\"a\"\n.byte 2\n.section "
        ".comment,\"MS\",@progbits,1\n.string \"2\"\n";
    EXPECT_THAT(compare_asm(before, after).verdict(), IsEmpty());
}

}  // namespace
}  // namespace klp::diff
