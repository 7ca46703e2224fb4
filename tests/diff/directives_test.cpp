// SPDX-License-Identifier: GPL-2.0-or-later
// What patches say by the macros of kpatch and of klp-build, as their own headers write it into objects, and as
// klpkit's headers do.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diff/pair.hpp"

namespace klp::diff {
namespace {

using test::compare_c;
using test::Compared;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Two functions that call something, and what the patch adds at the end.
std::string source(int f, int g, std::string_view more = {}) {
    return fmt::format(
        "int other(int); struct klp_object;\n"
        "__attribute__((noipa)) int f(int a) {{ return other(a + {}); }}\n"
        "__attribute__((noipa)) static int g(int a) {{ return other(a - {}); }}\n"
        "int h(int a) {{ return g(a); }}\n{}\n",
        f, g, more);
}
Compared with(std::string_view more, int f = 2, int g = 1) {
    return compare_c(source(1, 1), source(f, g, more));
}

constexpr std::string_view callback_functions = R"(
    static int pre(struct klp_object *o) { return other(3); }
    static void post(struct klp_object *o) { other(4); }
)";

// kpatch: a structure of a function and a name, in a section for the event.
std::string kpatch_callback(std::string_view event, std::string_view function, int number = 0) {
    return fmt::format(
        "static struct {{ const void *fn; char *objname; }} data_{0}_{2} "
        "__attribute__((used, section(\".kpatch.callbacks.{0}\"))) = {{ {1}, 0 }};\n",
        event, function, number);
}
// klp-build: a pointer whose name says the event and the object.
std::string klp_build_callback(std::string_view event, std::string_view function) {
    return fmt::format(
        "void *__klp_{}_callback_vmlinux __attribute__((used, section(\".discard.klp_callback_ptrs\"))) = {};\n", event,
        function);
}
std::string pointer_in(std::string_view section, std::string_view name, std::string_view value) {
    return fmt::format("void *{} __attribute__((section(\"{}\"))) = {};\n", name, section, value);
}
std::string text_in(std::string_view section, std::string_view text) {
    return fmt::format("asm(\".pushsection {}, \\\"\\\", %progbits\\n.asciz \\\"{}\\\"\\n.popsection\");\n", section,
                       text);
}

std::vector<std::string> callbacks_of(const Compared& compared) {
    std::vector<std::string> lines;
    for (const Callback& each : compared.result.value().callbacks) {
        EXPECT_EQ(each.extracted->name, each.name);
        EXPECT_TRUE(each.extracted->is_defined());
        lines.push_back(fmt::format("{} {}", name_of(each.event), each.name));
    }
    return lines;
}
std::vector<std::string> forced_of(const Compared& compared) {
    std::vector<std::string> lines;
    for (const auto& [kind, name] : compared.result.value().forced)
        lines.push_back(fmt::format("{} {}", name_of(kind), name));
    return lines;
}
std::string refusal_of(const Compared& compared) {
    EXPECT_THAT(compared.verdict(), ElementsAre("refused diff.directive"));
    return compared.diagnostics.findings().empty() ? "" : compared.diagnostics.findings().front().message;
}

TEST(Callbacks, OfKpatchComeAlong) {
    const auto compared = with(std::string(callback_functions) + kpatch_callback("post_unpatch", "post") +
                               kpatch_callback("pre_patch", "pre"));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f", "new post", "new pre"));
    EXPECT_THAT(callbacks_of(compared), ElementsAre("pre_patch pre", "post_unpatch post"));
    EXPECT_THAT(compared.result->notes, Contains("'pre' is the pre_patch callback"));
    EXPECT_THAT(compared.diagnostics.findings(), IsEmpty());
    EXPECT_THAT(compared.data(), IsEmpty());
}

TEST(Callbacks, OfKlpBuildComeAlong) {
    const auto compared = with(std::string(callback_functions) + klp_build_callback("pre_unpatch", "post") +
                               klp_build_callback("post_patch", "post") + klp_build_callback("pre_patch", "pre"));
    EXPECT_THAT(callbacks_of(compared), ElementsAre("pre_patch pre", "post_patch post", "pre_unpatch post"));
}

TEST(Callbacks, NeedNoChangedFunction) {
    const auto compared = with(std::string(callback_functions) + kpatch_callback("pre_patch", "pre"), 1);
    EXPECT_THAT(compared.verdict(), ElementsAre("new pre"));
    EXPECT_FALSE(compared.result->unchanged());
}

TEST(Callbacks, MayBeAChangedFunction) {
    EXPECT_THAT(callbacks_of(with(kpatch_callback("pre_patch", "f"))), ElementsAre("pre_patch f"));
}

TEST(Callbacks, ThatCannotBeMadeAreRefused) {
    const std::string two = std::string(callback_functions) + kpatch_callback("pre_patch", "pre");
    EXPECT_THAT(refusal_of(with(two + kpatch_callback("pre_patch", "post", 1))),
                AllOf(HasSubstr("second pre_patch callback"), HasSubstr("'pre'"), HasSubstr("'post'")));
    EXPECT_THAT(refusal_of(with(two + klp_build_callback("pre_patch", "pre"))), HasSubstr("second pre_patch callback"));
    EXPECT_THAT(refusal_of(with(kpatch_callback("pre_patch", "g"))), HasSubstr("'g' is to be the pre_patch callback"));
    EXPECT_THAT(refusal_of(with(kpatch_callback("pre_patch", "other"))),
                HasSubstr("'other', which is not in this file"));
    EXPECT_THAT(refusal_of(with("static int data = 1;" + kpatch_callback("pre_patch", "&data"))),
                HasSubstr("which is no function"));
    EXPECT_THAT(refusal_of(with(kpatch_callback("pre_patch", "0"))), HasSubstr("has 16 bytes and 0 relocations"));
    EXPECT_THAT(refusal_of(with("__attribute__((section(\".init.text\"))) static int start(void) { return 1; }" +
                                kpatch_callback("pre_patch", "start"))),
                HasSubstr("'start' in .init.text cannot be"));
    EXPECT_THAT(refusal_of(with(pointer_in(".discard.klp_callback_ptrs", "klp_other", "f"))),
                HasSubstr("says no event"));
}

TEST(IgnoredFunction, KeepsItsOriginal) {
    for (const std::string& directive : {pointer_in(".kpatch.ignore.functions", "__kpatch_ignore_func_g", "g"),
                                         text_in(".klpkit.ignore.functions", "g")}) {
        const auto compared = with(directive, 2, 5);
        EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
        EXPECT_THAT(forced_of(compared), ElementsAre("ignored-function g"));
        EXPECT_THAT(compared.result->notes,
                    ElementsAre(HasSubstr("the change of 'g' is left out (KPATCH_IGNORE_FUNCTION): ")));
    }
    EXPECT_THAT(with("", 2, 5).verdict(), ElementsAre("changed f", "changed g"));
}

TEST(IgnoredFunction, ThatAloneChangedLeavesNothing) {
    const auto compared = with(text_in(".klpkit.ignore.functions", "f"));
    EXPECT_TRUE(compared.result.value().unchanged());
    EXPECT_THAT(forced_of(compared), ElementsAre("ignored-function f"));
}

TEST(IgnoredFunction, IsNotChangedByAConstantEither) {
    const auto table = [](int value, std::string_view more) {
        return fmt::format(
            "static const int table[4] = {{1, 2, 3, {}}}; int other(int);\n"
            "__attribute__((noipa)) int f(int a) {{ return table[a]; }}\n"
            "__attribute__((noipa)) int g(int a) {{ return other(table[a & 3]); }}\n{}",
            value, more);
    };
    EXPECT_THAT(compare_c(table(4, ""), table(5, "")).verdict(), ElementsAre("changed f", "changed g"));
    EXPECT_THAT(compare_c(table(4, ""), table(5, text_in(".klpkit.ignore.functions", "f"))).verdict(),
                ElementsAre("changed g"));
}

TEST(IgnoredFunction, ThatIsNewIsRefused) {
    EXPECT_THAT(refusal_of(with(std::string(callback_functions) + kpatch_callback("pre_patch", "pre") +
                                text_in(".klpkit.ignore.functions", "pre"))),
                HasSubstr("'pre' is new"));
}

TEST(Ignored, WithoutEffectIsTold) {
    const auto unchanged = with(text_in(".klpkit.ignore.functions", "g"));
    EXPECT_THAT(unchanged.result.value().notes,
                ElementsAre("KPATCH_IGNORE_FUNCTION(g) has no effect: the function did not change"));
    EXPECT_THAT(forced_of(unchanged), IsEmpty());
    const auto inlined = with(text_in(".klpkit.ignore.functions", "gone") + text_in(".klpkit.force", "gone"));
    EXPECT_THAT(inlined.diagnostics.findings(), SizeIs(2));
    EXPECT_EQ(inlined.diagnostics.findings().front().id, "diff.directive-unused");
    EXPECT_EQ(inlined.diagnostics.findings().front().severity, Severity::warning);
    EXPECT_THAT(forced_of(inlined), IsEmpty());
}

// As kpatch's system calls have it: entries of a table that the kernel has read.
TEST(IgnoredSection, KeepsItsOriginal) {
    const auto table = [](int f, std::string_view name, std::string_view more) {
        return fmt::format(
            "int other(int); int f(int a) {{ return other(a + {}); }}\n"
            "static void *{} __attribute__((used, section(\"__syscalls_metadata\"))) = 0;\n{}",
            f, name, more);
    };
    EXPECT_THAT(compare_c(table(1, "one", ""), table(2, "two", "")).verdict(), ElementsAre("refused diff.table"));
    for (const std::string& directive :
         {std::string(
              "char *__UNIQUE_ID_kpatch_ignore_section_7 __attribute__((section(\".kpatch.ignore.sections\"))) = "
              "\"__syscalls_metadata\";"),
          text_in(".klpkit.ignore.sections", "__syscalls_metadata")}) {
        const auto compared = compare_c(table(1, "one", ""), table(2, "two", directive));
        EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
        EXPECT_THAT(compared.diagnostics.findings(), IsEmpty());
        EXPECT_THAT(forced_of(compared), ElementsAre("ignored-section __syscalls_metadata"));
        EXPECT_THAT(compared.result->notes, ElementsAre(HasSubstr("1 changed or new, 1 gone")));
    }
}

TEST(IgnoredSection, ThatHoldsWhatNewCodeNeedsIsRefused) {
    const auto compared = compare_c(
        "int f(int a) { return a; }",
        "static int entry __attribute__((used, section(\"__table\"))) = 1; int f(int a) { return entry + a; }" +
            text_in(".klpkit.ignore.sections", "__table"));
    EXPECT_THAT(refusal_of(compared), HasSubstr("the new 'entry' in __table, which is to be left out"));
}

TEST(IgnoredSection, ThatHoldsNewDataOrCodeOfTheCompilersSectionsIsRefused) {
    const auto data =
        compare_c("int f(int a) { return a; }", "static volatile int limit = 1; int f(int a) { return limit + a; }" +
                                                    text_in(".klpkit.ignore.sections", ".data.limit"));
    EXPECT_THAT(refusal_of(data), HasSubstr("the new 'limit' in .data.limit"));
    const auto code =
        compare_c("int f(int a) { return a; }",
                  "__attribute__((noinline)) int g(int a) { __asm__(\"\"); return a; } int f(int a) { return "
                  "g(a) + 1; }" +
                      text_in(".klpkit.ignore.sections", ".text.g"));
    EXPECT_THAT(refusal_of(code), HasSubstr("the new 'g' in .text.g"));
}

TEST(IgnoredSection, ThatIsNotThereIsRefused) {
    EXPECT_THAT(refusal_of(with(text_in(".klpkit.ignore.sections", ".nowhere"))), HasSubstr("no section '.nowhere'"));
    EXPECT_THAT(refusal_of(with(text_in(".klpkit.ignore.sections", "__mcount_loc"))), HasSubstr("cannot be ignored"));
}

TEST(ForceUnsafe, IsRemembered) {
    for (const std::string& directive :
         {pointer_in(".kpatch.force", "__kpatch_force_func_f", "f"), text_in(".klpkit.force", "f")}) {
        const auto compared = with(directive);
        EXPECT_THAT(forced_of(compared), ElementsAre("unsafe f"));
        EXPECT_THAT(compared.result->notes, ElementsAre(HasSubstr("/sys/kernel/livepatch/NAME/force")));
    }
    const auto unused = with(text_in(".klpkit.force", "h"));
    EXPECT_THAT(forced_of(unused), IsEmpty());
    EXPECT_THAT(unused.result.value().notes, ElementsAre(HasSubstr("KPATCH_FORCE_UNSAFE(h) has no effect")));
}

TEST(Directives, ThatAreNotKnownAreRefused) {
    EXPECT_THAT(refusal_of(with(pointer_in(".kpatch.hooks.load", "kpatch_load_data", "f"))),
                HasSubstr("a hook of kpatch's"));
    for (const char* section :
         {".kpatch.funcs", ".kpatch.something", ".discard.klp_more", "__klp_funcs", ".init.klp_objects"})
        EXPECT_THAT(refusal_of(with(pointer_in(section, "data", "f"))), HasSubstr("klp does not know what it says"))
            << section;
}

// What a livepatch cannot do is left out where its author says so.
struct LeftOutCase {
    std::string before, after;  // beside f(), which changes
    std::string id;
};

std::string beside(std::string_view text, int f) {
    return fmt::format("int other(const void *); int f(int a) {{ return other((void *)(long)(a + {})); }}\n{}\n", f,
                       text);
}

class LeftOutChange : public testing::TestWithParam<LeftOutCase> {
protected:
    static Compared compared(const diff::Options& options) {
        return compare_c(beside(GetParam().before, 1), beside(GetParam().after, 2), options);
    }
};

TEST_P(LeftOutChange, IsRefusedByARuleWithAHintThatLeavesItOut) {
    const auto refused = compared({});
    const std::string rule = GetParam().id.substr(0, GetParam().id.find(':'));
    EXPECT_THAT(refused.verdict(), ElementsAre("refused " + rule));
    EXPECT_THAT(refused.diagnostics.findings().front().hints, Contains(HasSubstr("--accept " + GetParam().id + " if")));
}

TEST_P(LeftOutChange, LeavesTheRest) {
    const std::size_t colon = GetParam().id.find(':');
    const LeftOut asked{GetParam().id.substr(0, colon), GetParam().id.substr(colon + 1)};
    const auto made = compared({.left_out = {asked}});
    EXPECT_THAT(made.verdict(), ElementsAre("changed f"));
    EXPECT_THAT(forced_of(made), ElementsAre("left-out " + GetParam().id));
    EXPECT_THAT(made.result.value().notes, ElementsAre(HasSubstr("(--accept " + GetParam().id + ")")));
    for (const LeftOut& other : {LeftOut{asked.rule, asked.name + "x"}, LeftOut{"diff.layout", asked.name}})
        EXPECT_FALSE(compared({.left_out = {other}}).result.has_value()) << id_of(other);
}

INSTANTIATE_TEST_SUITE_P(
    Diff, LeftOutChange,
    testing::Values(
        LeftOutCase{"__attribute__((section(\".init.text\"))) int start(void) { return 1; }",
                    "__attribute__((section(\".init.text\"))) int start(void) { return 2; }", "diff.init-code:start"},
        LeftOutCase{"__attribute__((section(\".exit.text\"))) int leave(void) { return 1; }",
                    "__attribute__((section(\".exit.text\"))) int leave(void) { return 2; }", "diff.exit-code:leave"},
        LeftOutCase{"int value = 1;", "int value = 2;", "diff.data-changed:value"},
        LeftOutCase{"int values[2] = {1, 2};", "int values[3] = {1, 2, 3};", "diff.data-changed:values"},
        LeftOutCase{"const int number = 1;", "const int number = 2;", "diff.data-changed:number"},
        LeftOutCase{"static const int seen[4] = {1}; int g(void) { return other(seen); }",
                    "static const int seen[4] = {2}; int g(void) { return other(seen); }",
                    "diff.constant-identity:seen"},
        LeftOutCase{"int early[2] __attribute__((section(\".init.data\"))) = {1};",
                    "int early[2] __attribute__((section(\".init.data\"))) = {2};", "diff.init-data:early"},
        LeftOutCase{"", "int early[2] __attribute__((section(\".init.data\"))) = {2};", "diff.init-data:early"},
        // As MODULE_DEVICE_TABLE has it: a second name that is for modpost alone.
        LeftOutCase{"static const long ids[4] = {1, 2};\n"
                    "extern const typeof(ids) __mod_usb__ids_device_table __attribute__((alias(\"ids\")));\n"
                    "struct { const void *table; } driver = {ids};",
                    "static const long ids[5] = {1, 2, 3};\n"
                    "extern const typeof(ids) __mod_usb__ids_device_table __attribute__((alias(\"ids\")));\n"
                    "struct { const void *table; } driver = {ids};",
                    "diff.constant-identity:ids"}));

TEST(LeftOut, SizesAreTold) {
    const auto made = compare_c(beside("int values[2] = {1, 2};", 1), beside("int values[3] = {1, 2, 3};", 2),
                                {.left_out = {{"diff.data-changed", "values"}}});
    EXPECT_THAT(made.result.value().notes,
                ElementsAre(HasSubstr("keeps its size of 8 bytes where the patch has 12: new code must not")));
}

TEST(LeftOut, AddressesInsideOfChangedCodeStayRefused) {
    for (const std::string qualifier : {"const", ""}) {
        const auto source = [&](int value) {
            return fmt::format(
                "int other(int); int f(int a, int b) {{\n"
                "static void *{0} labels[] = {{&&one, &&two}};\n"
                "{1}goto *labels[a];\n"
                "one: a += other({2}); goto *labels[a]; two: return other(b); }}",
                qualifier, qualifier.empty() ? "if (b == 5) labels[0] = labels[1]; " : "", value);
        };
        const auto plain = compare_c(source(1), source(2));
        const auto& symbols = plain.original.symbols();
        const auto table =
            std::ranges::find_if(symbols, [](const auto& each) { return each->name.starts_with("labels"); });
        ASSERT_NE(table, symbols.end());
        for (const std::string rule : {"diff.data-changed", "diff.constant-identity"}) {
            const auto asked = compare_c(source(1), source(2), {.left_out = {{rule, (*table)->name}}});
            if (asked.result) {
                EXPECT_EQ(asked.verdict(), plain.verdict());
                EXPECT_THAT(forced_of(asked), IsEmpty());
            }
        }
    }
}

TEST(LeftOut, WithoutEffectIsTold) {
    Diagnostics diagnostics;
    check_left_out({{"diff.table", "a"}, {"diff.table", "b"}}, {{ForcedKind::left_out, "diff.table:a"}}, diagnostics);
    ASSERT_THAT(diagnostics.findings(), SizeIs(1));
    EXPECT_EQ(diagnostics.findings().front().id, "diff.accept-unused");
    EXPECT_THAT(diagnostics.findings().front().message, HasSubstr("--accept diff.table:b is not needed"));
}

}  // namespace
}  // namespace klp::diff
