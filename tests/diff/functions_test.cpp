// SPDX-License-Identifier: GPL-2.0-or-later
// Which functions changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diff/pair.hpp"

namespace klp::diff {
namespace {

using test::compare_asm;
using test::compare_c;
using test::Compared;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

TEST(Functions, AreUnchangedWhereNothingChanged) {
    constexpr auto source = "int puts(const char *); int f(int x) { puts(\"one\"); return x + 1; }\n";
    const auto compared = compare_c(source, source);
    EXPECT_TRUE(compared.result.value().unchanged());
    EXPECT_THAT(compared.result.value().extracted.sections(), IsEmpty());
}

TEST(Functions, MayBeInAnyOrder) {
    constexpr auto f = "int f(int x) { puts(\"one\"); return x * 3; }\n";
    constexpr auto g = "int g(int x) { puts(\"two\"); static int n; return n += x; }\n";
    constexpr std::string_view head = "int puts(const char *);\n";
    EXPECT_THAT(compare_c(std::string(head) + f + g, std::string(head) + g + f).verdict(), IsEmpty());
}

TEST(Functions, ChangeWithTheirInstructions) {
    const auto compared = compare_c("int f(int x) { return x + 1; } int g(int x) { return x; }",
                                    "int f(int x) { return x + 2; } int g(int x) { return x; }");
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    const FunctionChange& f = compared.result.value().functions[0];
    EXPECT_EQ(f.section, ".text.f");
    EXPECT_THAT(f.reason, HasSubstr("bytes at +0x"));
    EXPECT_EQ(f.original, compared.original.find_symbol("f"));
    EXPECT_EQ(f.extracted, compared.result.value().extracted.find_symbol("f"));
}

TEST(Functions, ChangeWithTheirStrings) {
    const auto compared = compare_c(
        "int puts(const char *); void f(void) { puts(\"VmallocChunk: \"); } void g(void) { puts(\"same\"); }",
        "int puts(const char *); void f(void) { puts(\"VMALLOCCHUNK: \"); } void g(void) { puts(\"same\"); }");
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compared.result.value().functions[0].reason, HasSubstr("\"VMALLOCCHUNK: \", was \"VmallocChunk: \""));
    const elf::Section* strings = compared.result.value().extracted.find_section(".rodata.str1.1");
    ASSERT_NE(strings, nullptr);
    EXPECT_EQ(as_text(strings->content()), std::string_view("VMALLOCCHUNK: \0", 15));
}

TEST(Functions, DoNotChangeWhereStringsMove) {
    EXPECT_THAT(compare_c("int puts(const char *); void f(void) { puts(\"b\"); }",
                          "int puts(const char *); void f(void) { puts(\"b\"); } static void __attribute__((used)) "
                          "g(void) { puts(\"aa\"); puts(\"ab\"); }")
                    .verdict(),
                IsEmpty());
}

TEST(Functions, ChangeWithWhatTheyCall) {
    const auto compared = compare_c("int a(int); int b(int); int f(int x) { return a(x); }",
                                    "int a(int); int b(int); int f(int x) { return b(x); }");
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compared.references(), Contains("b"));
    EXPECT_THAT(compared.references(), Not(Contains("a")));
}

// The counter behind the name of a clone says nothing; that there is a clone does.
TEST(Functions, ChangeWithTheClonesThatTheyCall) {
    constexpr std::string_view body =
        "static __attribute__((noinline)) int h(int a, int b) { return use(a) * b + use(b); }\n"
        "int f(int x) { return h(x, 7) + 1; }\n";
    const std::string before = "int use(int);\n" + std::string(body) + "int g(int x) { return h(3, x); }\n";
    const std::string after = "int use(int);\n" + std::string(body) + "int g(int x) { return h(3, 7); }\n";
    const auto compared = compare_c(before, after);
    EXPECT_THAT(compared.verdict(), Contains("changed g"));
    EXPECT_THAT(compared.verdict(), Contains("changed f"));  // calls h.constprop.0 now
    EXPECT_THAT(compared.verdict(), Contains("new h.constprop.0"));
}

TEST(Functions, TakeTheirColdPartsAlong) {
    const auto source = [](const char* instruction) {
        return std::string(R"(
            .section .text.f,"ax"
            .globl f
            .type f,@function
            f: 1: call __fentry__
            test %edi, %edi
            js f.cold
            .Lback: ret
            .size f,.-f
            .section .text.unlikely.f,"ax"
            .type f.cold,@function
            f.cold: )") +
               instruction + R"(
            jmp .Lback
            .size f.cold,.-f.cold
            .section __mcount_loc,"a"
            .quad 1b
        )";
    };
    const auto compared = compare_asm(source("nop"), source("int3"));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f", "included f.cold"));
    EXPECT_NE(compared.result.value().extracted.find_section(".text.unlikely.f"), nullptr);
    // the jumps between the two parts stay between the new ones
    EXPECT_THAT(compared.relocations(".text.f"), ElementsAre("__fentry__-4", "f.cold-4"));
    EXPECT_THAT(compared.relocations(".text.unlikely.f"), ElementsAre("f+9"));
    EXPECT_THAT(compared.references(), ElementsAre("__fentry__"));
}

TEST(Functions, NewOnesComeWhenNeeded) {
    const auto compared = compare_c("int f(int x) { return x + 1; }",
                                    "static __attribute__((noinline)) int h(int x) { return x * x; }\n"
                                    "static __attribute__((noinline, used)) int unused(int x) { return x * x; }\n"
                                    "int f(int x) { return h(x) + 1; }");
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f", "new h"));
    EXPECT_THAT(compared.relocations(".text.f"), Contains("h-4"));
}

TEST(Functions, GlobalNewOnesComeForOtherFiles) {
    EXPECT_THAT(compare_c("int f(int x) { return x; }", "int f(int x) { return x; } int fresh(int x) { return x + 1; }")
                    .verdict(),
                ElementsAre("new fresh"));
}

// Both are in .sched.text, and the assembler resolves the call of the static one itself.
TEST(Functions, MayShareASection) {
    const auto source = [](const char* value) {
        return std::string(
                   "#define __sched __attribute__((noinline, section(\".sched.text\")))\n"
                   "extern int state;\n"
                   "static __sched int helper(int x) { return state += x; }\n"
                   "__sched int before(int x) { return helper(x) + 1; }\n"
                   "__sched int f(int x) { return helper(x) + ") +
               value +
               "; }\n"
               "__sched int after(int x) { return helper(x) + 2; }\n";
    };
    const auto compared = compare_c(source("3"), source("300"));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compared.references(), Contains("helper"));
    EXPECT_THAT(compared.relocations(".text.f"), Contains("helper-4"));
    EXPECT_EQ(compared.result.value().extracted.find_section(".sched.text"), nullptr);
}

TEST(Functions, PassOriginalsAsPointers) {
    const auto source = [](const char* value) {
        return std::string(
                   "void queue(void (*)(void)); int use(int);\n"
                   "static __attribute__((noinline)) void work(void) { use(") +
               value +
               "); }\n"
               "void f(void) { queue(work); work(); use(" +
               value + "); }\n";
    };
    const auto compared = compare_c(source("1"), source("2"));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f", "changed work"));
    const auto reference = std::ranges::find(compared.result.value().references, "work", &Reference::name);
    ASSERT_NE(reference, compared.result.value().references.end());
    EXPECT_EQ(reference->extracted->name, "work..1");  // "work" is the new function
    EXPECT_EQ(reference->original, compared.original.find_symbol("work"));
    EXPECT_TRUE(reference->defined_in_unit);
    EXPECT_THAT(compared.relocations(".text.f"), Contains("work..1+0"));
    EXPECT_THAT(compared.relocations(".text.f"), Contains("work-4"));
}

constexpr std::string_view traced_head = ".section .text.f,\"ax\"\n.globl f\n.type f,@function\nf: call __fentry__\n";
constexpr std::string_view traced_tail = "ret\n.size f,.-f\n.section __mcount_loc,\"a\"\n.quad f\n";

std::string traced(std::string_view body) {
    return std::string(traced_head) + std::string(body) + std::string(traced_tail);
}

// The linker overwrites them: what a tool left there says nothing.
TEST(Functions, DoNotChangeWithTheBytesUnderRelocations) {
    const auto call = [](const char* field) {
        return std::string(".byte 0xe8\n.reloc ., R_X86_64_PLT32, g-4\n.long ") + field + "\n";
    };
    EXPECT_THAT(compare_asm(traced(call("0")), traced(call("0x11111111"))).verdict(), IsEmpty());
}

// Of equal bytes: another place in the same thing, another type, and one that only one of both has.
TEST(Functions, ChangeWithTheirRelocations) {
    const auto load = [](const char* relocation) {
        return traced(std::string(".byte 0xb8\n") + relocation + "\n.long 0\n");
    };
    const std::string original = load(".reloc ., R_X86_64_32S, table");
    EXPECT_THAT(compare_asm(original, original).verdict(), IsEmpty());
    EXPECT_THAT(compare_asm(original, load(".reloc ., R_X86_64_32S, table+4")).verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compare_asm(original, load(".reloc ., R_X86_64_32, table")).verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compare_asm(original, load("")).verdict(), ElementsAre("changed f"));
    EXPECT_THAT(compare_asm(load(""), original).verdict(), ElementsAre("changed f"));
}

TEST(Functions, DoNotChangeWithTheNumberOfAClone) {
    const auto source = [](const std::string& clone) {
        return traced("call " + clone + "\n") + ".section .text." + clone + ",\"ax\"\n.type " + clone + ",@function\n" +
               clone + ": ret\n.size " + clone + ",.-" + clone + "\n";
    };
    EXPECT_THAT(compare_asm(source("g.isra.1"), source("g.isra.0")).verdict(), IsEmpty());
}

TEST(Functions, AreNewWhereTheyLoseTheirInit) {
    constexpr auto helper = ",\"ax\"\n.type helper,@function\nhelper: ret\n.size helper,.-helper\n";
    EXPECT_THAT(compare_asm(traced("nop\n") + ".section .init.text" + helper,
                            traced("call helper\n") + ".section .text.helper" + helper)
                    .verdict(),
                ElementsAre("changed f", "new helper"));
}

// Their entries point into the function, wherever it is now.
TEST(Functions, BringTheirSwitchTables) {
    const auto source = [](const char* value) {
        return std::string("int a(int), b(int), c(int), d(int), e(int);\nint f(int x) { switch (x) {") +
               "case 0: return a(x); case 1: return b(x) + 1; case 2: return c(x); case 3: return d(x) + " + value +
               "; case 4: return e(x); case 5: return a(7); } return x; }";
    };
    const std::vector<std::string> with_tables = {"-fjump-tables"};
    const Compared compared(test::compile(source("2"), with_tables), test::compile(source("3"), with_tables));
    EXPECT_THAT(compared.verdict(), Contains("changed f"));
    EXPECT_THAT(compared.relocations(".rodata.f"), SizeIs(6));
    EXPECT_THAT(compared.relocations(".rodata.f"), testing::Each(testing::StartsWith("f+")));
}

TEST(Extracted, IsAcceptedByTheLinker) {
    const auto compared =
        compare_c("int puts(const char *); int f(int x) { return x; }",
                  "int puts(const char *); static int n; int f(int x) { puts(\"new\"); return n += x; }");
    const TempDir folder("klp-test");
    const fs::path object = folder.path() / "out.o";
    compared.result.value().extracted.write_to(object);
    Command linker;
    linker.argv = {"ld", "-r", "-o", (folder.path() / "linked.o").string(), object.string()};
    EXPECT_EQ(run(linker).errors, "");
    Command readelf;
    readelf.argv = {"readelf", "-aW", object.string()};
    const auto listed = run(readelf);
    EXPECT_EQ(listed.errors, "");
    EXPECT_THAT(listed.output, HasSubstr("Relocation section '.rela__mcount_loc'"));
}

TEST(Inputs, MustBeForOneMachine) {
    const auto object = test::assemble("nop");
    const elf::Object foreign(21, ByteOrder::little);
    Diagnostics diagnostics;
    EXPECT_THROW((void)decompose(object, foreign, {}, diagnostics), Error);
}

TEST(NewGlobals, AreWhatOtherFilesMayReferTo) {
    const auto compared =
        compare_c("int f(int x) { return x; }",
                  "int total; static int hidden; extern __typeof__(int (int)) alias "
                  "__attribute__((alias(\"f\"))); __attribute__((noinline)) int fresh(int x) { return "
                  "x * total; } __attribute__((noinline)) static int own(int x) { return x * ++hidden; }"
                  "int f(int x) { return fresh(x) + own(x); }");
    std::vector<std::string> names;
    for (const elf::Symbol* each : compared.result.value().new_globals()) names.push_back(each->name);
    EXPECT_THAT(names, testing::UnorderedElementsAre("total", "fresh"));
}

}  // namespace
}  // namespace klp::diff
