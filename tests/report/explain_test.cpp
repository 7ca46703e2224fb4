// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/document.hpp"
#include "report/explain.hpp"

namespace klp::report {
namespace {

using testing::HasSubstr;
using testing::Not;

diff::ExplainedPiece changed_function() {
    diff::ExplainedPiece piece;
    piece.name = "show";
    piece.section = ".text.show";
    piece.cause = diff::Cause::code;
    piece.reason = "size 0x20, was 0x10";
    piece.declared = {"fs/a.c", 10};
    piece.is_in_patch = false;
    piece.inlined = {{"helper", {"fs/a.c", 12}}};
    piece.difference.emplace();
    piece.difference->offset = 5;
    piece.difference->what = "bytes";
    piece.difference->patched.line = {"fs/a.c", 3};
    piece.difference->patched.inlined = {{"helper", {"fs/a.c", 12}}};
    piece.difference->patched.instructions = {{0, "call f", false}, {5, "ret\x1b", true}};
    piece.used_by = {{"other", diff::UsedBy::How::call, 8, {{"fs/a.c", 30}}}};
    return piece;
}

pipeline::ExplainedBuild explained(diff::ExplainedPiece function) {
    pipeline::ExplainedBuild build;
    build.disassembler = "/usr/bin/objdump";
    build.units.push_back({"fs/a.c", "vmlinux", {}, {{std::move(function)}, {}}});
    return build;
}

TEST(ExplanationText, SaysWhyAndWhere) {
    EXPECT_EQ(explanation_text(explained(changed_function())),
              "fs/a.c (vmlinux):\n"
              "  show: changed: not in the patch: 'helper' is inlined here\n"
              "    declared at fs/a.c:10\n"
              "    the patch changes 'helper', inlined at fs/a.c:12\n"
              "    first difference at +0x5: bytes\n"
              "      patched, fs/a.c:3, in 'helper' inlined at fs/a.c:12:\n"
              "        +0x0  call f\n"
              "      > +0x5  ret\\x1b\n"
              "    called by 'other' at +0x8, fs/a.c:30\n");
}

TEST(ExplanationText, HasAWordForEachCause) {
    const auto first_line = [](diff::Cause cause, std::optional<bool> is_in_patch = false) {
        diff::ExplainedPiece piece;
        piece.name = "f";
        piece.cause = cause;
        piece.subject = "it";
        piece.reason = "reason";
        piece.is_in_patch = is_in_patch;
        const std::string text = explanation_text(explained(piece));
        return text.substr(text.find("f: "));
    };
    EXPECT_EQ(first_line(diff::Cause::code, true), "f: changed: the patch changes it\n");
    EXPECT_EQ(first_line(diff::Cause::code), "f: changed: its code differs\n");
    EXPECT_EQ(first_line(diff::Cause::code, std::nullopt), "f: changed: its code differs\n");
    EXPECT_EQ(first_line(diff::Cause::part), "f: changed: its part 'it' differs\n");
    EXPECT_EQ(first_line(diff::Cause::constant), "f: changed: it refers to 'it', which changed and comes along\n");
    EXPECT_EQ(first_line(diff::Cause::callee), "f: changed: it calls 'it', which changed and cannot be hooked\n");
    EXPECT_EQ(first_line(diff::Cause::added), "f: changed: the original has none of that name\n");
    EXPECT_EQ(first_line(diff::Cause::content), "f: changed: its content changed\n");
    EXPECT_EQ(first_line(diff::Cause::needed), "f: changed: whoever refers to it has its own copy\n");
    EXPECT_EQ(first_line(diff::Cause::other), "f: changed: reason\n");
}

TEST(ExplanationText, ShowsContentsAndLinesOfFindings) {
    diff::ExplainedPiece piece = changed_function();
    piece.is_selected = false;
    piece.difference->member = ".ops[1].show";
    piece.difference->type = "function pointer";
    piece.difference->table = "__bug_table";
    piece.difference->original.content = "a";
    piece.difference->patched.content = "b";
    pipeline::ExplainedBuild build = explained(piece);
    build.findings.push_back({{"test.x", Severity::error, {"a.o", ".text", 4}, "no", {}, {}}, {{"fs/a.c", 7}}});
    build.findings.push_back({{"diff.y", Severity::note, {"a.o", ".text", 4}, "so", {}, {}}, {}});
    const std::string text = explanation_text(build);
    EXPECT_THAT(text, HasSubstr("show: changed (not in the livepatch)"));
    EXPECT_THAT(text, HasSubstr("+0x5, entry of __bug_table, .ops[1].show (function pointer): b, was a\n"));
    EXPECT_THAT(text, HasSubstr("findings:\n  error: fs/a.c:7: no [test.x]\n  note: a.o:(.text+0x4): so [diff.y]\n"));
}

TEST(ExplanationText, CountsUsersThatAreTooMany) {
    diff::ExplainedPiece piece = changed_function();
    piece.used_by.assign(5, piece.used_by.front());
    EXPECT_THAT(explanation_text(explained(piece)), HasSubstr("    and in 2 more places\n"));
    piece.used_by.resize(3);
    EXPECT_THAT(explanation_text(explained(piece)), Not(HasSubstr("more places")));
}

TEST(ExplanationJson, HasNullForWhatIsNotKnown) {
    const Json json = explanation_json(explained(changed_function()));
    const Json& piece = json["units"][0]["functions"][0];
    EXPECT_EQ(piece["cause"], "code");
    EXPECT_EQ(piece["subject"], nullptr);
    EXPECT_EQ(piece["in_patch"], false);
    EXPECT_EQ(piece["difference"]["original"]["line"], nullptr);
    EXPECT_EQ(piece["difference"]["patched"]["line"], Json::parse(R"({"file": "fs/a.c", "line": 3})"));
    EXPECT_EQ(piece["difference"]["patched"]["instructions"][1]["differs"], true);
    EXPECT_EQ(piece["used_by"][0]["how"], "call");
}

TEST(Document, BeginsWithWhoWroteItAndHowItEnded) {
    Diagnostics findings;
    findings.add(Severity::error, "test.x", {"a.o", ".text", 4}, "no");
    const Error error(Location{"a.o", {}, {}}, "refused", ExitCode::unsafe);
    const Json json = document({error.code(), error}, findings, {{"module", nullptr}});
    std::vector<std::string> keys;
    for (const auto& [key, value] : json.items()) keys.push_back(key);
    EXPECT_THAT(keys, testing::ElementsAre("klp", "schema", "status", "error", "findings", "module"));
    EXPECT_EQ(json["status"], 2);
    EXPECT_EQ(json["error"], Json::parse(R"({"message": "refused", "file": "a.o", "section": null, "offset": null,
                                            "hints": []})"));
    EXPECT_EQ(json["findings"][0]["offset"], 4);
    EXPECT_EQ(document({}, {}, Json::object())["error"], nullptr);
}

}  // namespace
}  // namespace klp::report
