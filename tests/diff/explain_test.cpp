// SPDX-License-Identifier: GPL-2.0-or-later
// Why a function or a constant is in the livepatch: the first instruction that differs, with its line; constants by
// member; inlined functions; who refers to what.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/registry.hpp"
#include "diff/explanation.hpp"
#include "diff/pair.hpp"

namespace klp::diff {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

SourceMap source_map(const elf::Object& object) {
    return {object, [](const std::string& name) { return fs::path(name).filename().string(); }};
}

// Both sides are named test.c, and the patch touches `touched` of it.
Explanation explained(const std::string& original, const std::string& patched, std::vector<LineRange> touched = {},
                      const std::vector<std::string>& more = {"-g", "-gdwarf-4"}) {
    const elf::Object before = test::compile("#line 1 \"test.c\"\n" + original, more);
    const elf::Object after = test::compile("#line 1 \"test.c\"\n" + patched, more);
    Explanation explanation;
    const bool has_lines = DebugImage::is_in(before);
    std::optional<SourceMap> original_source;
    std::optional<SourceMap> patched_source;
    if (has_lines) original_source.emplace(source_map(before));
    if (has_lines) patched_source.emplace(source_map(after));
    const TouchedLines lines = {{"test.c", std::move(touched)}};
    const Disassembler disassembler(arch::for_object(after));
    Options options;
    options.on_selected = [&](const Changes& changes, const Selection& selection) {
        explanation = explain(
            changes, selection,
            {disassembler, has_lines ? &*original_source : nullptr, has_lines ? &*patched_source : nullptr, &lines});
    };
    Diagnostics diagnostics;
    try {
        (void)diff(decompose(before, after, {}, diagnostics), options, diagnostics);
    } catch (const Error& error) {
        if (error.code() != ExitCode::unsafe) throw;
    }
    return explanation;
}

const ExplainedPiece& piece(const std::vector<ExplainedPiece>& pieces, std::string_view name) {
    const auto found = std::ranges::find(pieces, name, &ExplainedPiece::name);
    if (found == pieces.end()) throw Error(fmt::format("'{}' is not explained", name));
    return *found;
}

std::string first_instruction(const DifferenceSide& side) {
    const auto found = std::ranges::find(side.instructions, true, &ShownInstruction::differs);
    return found == side.instructions.end() ? "" : found->text;
}

TEST(Explain, ShowsTheFirstInstructionThatDiffersWithTheLineOfBothSides) {
    const auto explanation =
        explained("int g(int);\nint f(int x)\n{\n\tg(x);\n\tg(x + 3);\n\treturn g(7);\n}\n",
                  "int g(int);\nint f(int x)\n{\n\tg(x);\n\n\n\tg(x + 5);\n\treturn g(7);\n}\n", {{5, 5}});
    ASSERT_THAT(explanation.functions, testing::SizeIs(1));
    const ExplainedPiece& f = explanation.functions[0];
    EXPECT_EQ(f.status, ExplainedStatus::changed);
    EXPECT_EQ(f.cause, Cause::code);
    EXPECT_EQ(f.declared, (SourceLine{"test.c", 2}));
    EXPECT_EQ(f.is_in_patch, true);
    ASSERT_TRUE(f.difference);
    EXPECT_THAT(first_instruction(f.difference->original), HasSubstr("0x3("));
    EXPECT_THAT(first_instruction(f.difference->patched), HasSubstr("0x5("));
    EXPECT_EQ(f.difference->original.line, (SourceLine{"test.c", 5}));
    EXPECT_EQ(f.difference->patched.line, (SourceLine{"test.c", 7}));
    EXPECT_THAT(f.difference->original.inlined, IsEmpty());
}

TEST(Explain, WhatComesFirstInTheFunctionNotWhatIsComparedFirst) {
    // The size differs because of the end; the call of another function stands before that.
    const auto explanation = explained("int g(int), h(int); int f(int x) { g(1); return g(2) + x; }",
                                       "int g(int), h(int); int f(int x) { h(1); g(2); g(3); return g(4) + x; }");
    const Difference& difference = explanation.functions.at(0).difference.value();
    EXPECT_EQ(difference.original.content, "g");
    EXPECT_EQ(difference.patched.content, "h");
    EXPECT_THAT(first_instruction(difference.patched), HasSubstr("call"));
    EXPECT_THAT(first_instruction(difference.patched), HasSubstr("h-0x4"));
}

TEST(Explain, AStringByItsText) {
    const auto explanation = explained("int g(const char *); int f(void) { return g(\"one\"); }",
                                       "int g(const char *); int f(void) { return g(\"two\"); }");
    const Difference& difference = explanation.functions.at(0).difference.value();
    EXPECT_EQ(difference.original.content, "\"one\"");
    EXPECT_EQ(difference.patched.content, "\"two\"");
    EXPECT_EQ(difference.what, "refers to \"two\", was \"one\"");
}

constexpr auto inlined_in_two =
    "int g(int);\n"
    "static inline __attribute__((always_inline)) int step(int x)\n"
    "{{\n"
    "\treturn g(x + {});\n"
    "}}\n"
    "int f(int x)\n"
    "{{\n"
    "\treturn step(x) * 2;\n"
    "}}\n";

TEST(Explain, AFunctionThatThePatchDoesNotTouchByTheInlinedOneThatItDoes) {
    const auto explanation = explained(fmt::format(inlined_in_two, 3), fmt::format(inlined_in_two, 5), {{4, 4}});
    const ExplainedPiece& f = piece(explanation.functions, "f");
    EXPECT_EQ(f.is_in_patch, false);
    ASSERT_THAT(f.inlined, testing::SizeIs(1));
    EXPECT_EQ(f.inlined[0].function, "step");
    EXPECT_EQ(f.inlined[0].called_at, (SourceLine{"test.c", 8}));
    ASSERT_TRUE(f.difference);
    EXPECT_EQ(f.difference->patched.line, (SourceLine{"test.c", 4}));
    EXPECT_THAT(f.difference->patched.inlined, ElementsAre(InlinedCall{"step", {"test.c", 8}}));
}

TEST(Explain, AnInsertionBelongsToTheFunctionThatItIsIn) {
    const auto of_gap = [](std::uint64_t before) {
        const auto explanation =
            explained(fmt::format(inlined_in_two, 3), fmt::format(inlined_in_two, 5), {{before, before + 1, true}});
        const ExplainedPiece& f = piece(explanation.functions, "f");
        return fmt::format("{} {}", f.is_in_patch.value(), f.inlined.size());
    };
    EXPECT_EQ(of_gap(1), "false 0");  // between the functions
    EXPECT_EQ(of_gap(2), "false 1");
    EXPECT_EQ(of_gap(4), "false 1");  // before the brace, which has no code where it is inlined
    EXPECT_EQ(of_gap(5), "false 0");
    EXPECT_EQ(of_gap(6), "true 0");
    EXPECT_EQ(of_gap(8), "true 0");
    EXPECT_EQ(of_gap(9), "false 0");  // behind the last one
}

TEST(Explain, NewFunctionsByWhoCallsThem) {
    const std::string more = "static __attribute__((noinline)) int more(int x)\n{\n\treturn g(x) * 3;\n}\n";
    const auto explanation =
        explained("int g(int);\nint f(int x)\n{\n\treturn g(x);\n}\n",
                  "int g(int);\n" + more + "int f(int x)\n{\n\treturn more(x) + g(1);\n}\n", {{1, 2, true}, {4, 4}});
    const ExplainedPiece& added = piece(explanation.functions, "more");
    EXPECT_EQ(added.status, ExplainedStatus::added);
    EXPECT_EQ(added.cause, Cause::added);
    EXPECT_EQ(added.declared, (SourceLine{"test.c", 2}));
    EXPECT_FALSE(added.difference);
    ASSERT_THAT(added.used_by, testing::SizeIs(1));
    EXPECT_EQ(added.used_by[0].name, "f");
    EXPECT_EQ(added.used_by[0].how, UsedBy::How::call);
    EXPECT_EQ(added.used_by[0].line, (SourceLine{"test.c", 8}));
    EXPECT_THAT(piece(explanation.functions, "f").used_by, IsEmpty());
}

constexpr auto four_entries =
    "struct entry {{ const char *name; int (*show)(int); unsigned short mode; }};\n"
    "struct set {{ int count; struct entry entries[2]; }};\n"
    "int a(int), b(int);\n"
    "static const struct set all = {{ 2, {{ {{ \"x\", a, 1 }}, {{ {} }} }} }};\n"
    "int f(int i)\n"
    "{{\n"
    "\treturn all.entries[i].show(all.entries[i].mode) + all.entries[i].name[0];\n"
    "}}\n";

Difference table_difference(std::string_view original, std::string_view patched) {
    const auto explanation =
        explained(fmt::format(four_entries, original), fmt::format(four_entries, patched), {{4, 4}});
    const ExplainedPiece& all = piece(explanation.data, "all");
    EXPECT_EQ(all.cause, Cause::content);
    EXPECT_EQ(all.declared, (SourceLine{"test.c", 4}));
    return all.difference.value();
}

TEST(Explain, AConstantByItsMemberAndContent) {
    const auto of = [](std::string_view original, std::string_view patched) {
        const Difference found = table_difference(original, patched);
        return fmt::format("{} ({}): {}, was {}", found.member, found.type, found.patched.content,
                           found.original.content);
    };
    EXPECT_EQ(of("\"y\", b, 7", "\"y\", b, 300"), ".entries[1].mode (short unsigned int): 300 (0x12c), was 7 (0x7)");
    EXPECT_EQ(of("\"y\", b, 7", "\"y\", a, 7"), ".entries[1].show (function pointer): a, was b");
    EXPECT_EQ(of("\"y\", b, 7", "\"yes\", b, 7"), ".entries[1].name (char *): \"yes\", was \"y\"");
    EXPECT_EQ(of("\"y\", b, 7", "\"y\", 0, 7"), ".entries[1].show (function pointer): 0 (0x0), was b");
}

TEST(Explain, WhoeverReadsAConstantByTheConstant) {
    const std::string f = "\nint f(int i)\n{\n\treturn sizes[i];\n}\n";
    const auto explanation = explained("static const int sizes[3] = { 1, 2, 3 };" + f,
                                       "static const int sizes[3] = { 1, -2, 3 };" + f, {{1, 1}});
    const ExplainedPiece& reader = piece(explanation.functions, "f");
    EXPECT_EQ(reader.cause, Cause::constant);
    EXPECT_EQ(reader.subject, "sizes");
    EXPECT_EQ(reader.is_in_patch, false);
    ASSERT_TRUE(reader.difference);
    EXPECT_EQ(reader.difference->member, "[1]");
    EXPECT_EQ(reader.difference->patched.content, "-2 (0xfffffffe)");
    const ExplainedPiece& sizes = piece(explanation.data, "sizes");
    EXPECT_EQ(sizes.status, ExplainedStatus::changed);
    ASSERT_THAT(sizes.used_by, testing::SizeIs(1));
    EXPECT_EQ(sizes.used_by[0].name, "f");
    EXPECT_EQ(sizes.used_by[0].how, UsedBy::How::reference);
}

TEST(Explain, TextInAnArray) {
    const std::string f = " int g(const char *); int f(int i) { return g(&name[i]); }";
    const auto explanation = explained("const char name[8] = \"one\";" + f, "const char name[8] = \"only\";" + f);
    const Difference& difference = piece(explanation.data, "name").difference.value();
    EXPECT_EQ(difference.original.content, "\"one\"");
    EXPECT_EQ(difference.patched.content, "\"only\"");
    EXPECT_EQ(difference.member, "");
}

TEST(Explain, AlsoWhatIsRefused) {
    const auto explanation =
        explained("int n = 1;\nint f(void) { return n++; }\n", "int n = 2;\nint f(void) { return n++ + 1; }\n");
    EXPECT_EQ(piece(explanation.functions, "f").cause, Cause::code);
    const ExplainedPiece& n = piece(explanation.data, "n");
    EXPECT_FALSE(n.is_selected);
    EXPECT_EQ(n.difference.value().patched.content, "2 (0x2)");
    EXPECT_EQ(n.difference.value().original.content, "1 (0x1)");
}

TEST(Explain, WithoutDebugInformationThereAreInstructionsWithoutLines) {
    const auto explanation = explained("int f(int x) { return x * 3; }", "int f(int x) { return x * 5; }", {}, {"-g0"});
    const ExplainedPiece& f = piece(explanation.functions, "f");
    EXPECT_FALSE(f.declared);
    EXPECT_FALSE(f.is_in_patch);
    ASSERT_TRUE(f.difference);
    EXPECT_FALSE(f.difference->patched.line);
    EXPECT_THAT(first_instruction(f.difference->patched), HasSubstr("lea"));
}

TEST(Explain, UnderstandsDwarf5) {
    const auto explanation =
        explained(fmt::format(inlined_in_two, 3), fmt::format(inlined_in_two, 5), {{4, 4}}, {"-g", "-gdwarf-5"});
    const ExplainedPiece& f = piece(explanation.functions, "f");
    ASSERT_THAT(f.inlined, testing::SizeIs(1));
    EXPECT_EQ(f.difference.value().patched.line, (SourceLine{"test.c", 4}));
}

TEST(Explain, UnchangedThingsAreNotExplained) {
    const std::string same = "int g(int); int f(int x) { return g(x); } const int n = 4;";
    const auto explanation = explained(same, same);
    EXPECT_THAT(explanation.functions, IsEmpty());
    EXPECT_THAT(explanation.data, IsEmpty());
}

}  // namespace
}  // namespace klp::diff
