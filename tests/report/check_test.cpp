// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace klp::report {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

check::Summary simulated_check() {
    check::Summary summary;
    summary.kernel = "k";
    summary.simulated = true;
    return summary;
}

Diagnostics found(int errors, int warnings, int notes) {
    Diagnostics findings;
    for (int i = 0; i < errors; ++i) findings.error("test.e", {"a.ko", {}, {}}, std::to_string(i));
    for (int i = 0; i < warnings; ++i) findings.warning("test.w", {"a.ko", {}, {}}, std::to_string(i));
    for (int i = 0; i < notes; ++i) findings.add(Severity::note, "test.n", {"a.ko", {}, {}}, std::to_string(i));
    return findings;
}

TEST(CheckText, CallsNothingSoundThatIsComplainedOf) {
    const auto first_line = [](const Diagnostics& findings) { return check_text("a.ko", findings, simulated_check()); };
    EXPECT_THAT(first_line(found(0, 0, 0)), StartsWith("a.ko: sound ("));
    EXPECT_THAT(first_line(found(0, 0, 3)), StartsWith("a.ko: sound ("));
    EXPECT_THAT(first_line(found(0, 1, 0)), StartsWith("a.ko: 0 errors, 1 warning ("));
    EXPECT_THAT(first_line(found(1, 0, 0)), StartsWith("a.ko: 1 error, 0 warnings ("));
    EXPECT_THAT(first_line(found(2, 3, 1)), StartsWith("a.ko: 2 errors, 3 warnings ("));
}

TEST(CheckText, TellsWhatWasNotLookedAt) {
    check::Summary summary;
    const auto text = [&] { return check_text("a.ko", {}, summary); };
    EXPECT_THAT(text(), HasSubstr("(checked: structure, not against a kernel)\n"));
    summary.kernel = "k";
    EXPECT_THAT(text(), HasSubstr("(checked: structure, kernel k, no simulated load)\n"));
    summary.simulated = true;
    EXPECT_THAT(text(), HasSubstr("(checked: structure, kernel k, simulated load)\n"));
    summary.objects = {"ext4", "kvm"};
    summary.not_simulated = {"xfs"};
    EXPECT_THAT(text(), HasSubstr("simulated load with ext4, kvm coming, going and coming again without xfs)\n"));
    summary.not_checked.add("state", "the model has none");
    summary.unknown = {{"loader.layout", "sizes were not compared"}};
    summary.headers_error = "no compiler";
    EXPECT_THAT(text(), HasSubstr("not checked:\n  state: the model has none\n"));
    EXPECT_THAT(text(), HasSubstr("not known of kernel k (no compiler):\n  loader.layout: sizes were not compared\n"));
}

TEST(CheckText, NamesDoNotSteerTheTerminal) {
    check::Summary summary = simulated_check();
    summary.kernel = "\033c";
    summary.objects = {"\a"};
    summary.not_simulated = {"\b"};
    summary.not_checked.add("\r", "\x7f");
    const std::string text = check_text("\033[2J.ko", {}, summary);
    for (const char* steering : {"\033", "\a", "\b", "\r", "\x7f"}) EXPECT_THAT(text, Not(HasSubstr(steering)));
}

TEST(CheckJson, CountsFindingsAndTellsWhatWasNotLookedAt) {
    const Json alone = check_json("a.ko", found(2, 1, 3), {});
    EXPECT_EQ(alone["kernel"], nullptr);
    EXPECT_EQ(alone["findings"].size(), 6U);
    EXPECT_EQ(alone["findings"][0]["severity"], "error");
    EXPECT_EQ(alone["findings"][2]["severity"], "warning");
    EXPECT_EQ(alone["findings"][3]["severity"], "note");
    const Json& summary = alone["summary"];
    EXPECT_EQ(summary["errors"], 2);
    EXPECT_EQ(summary["warnings"], 1);
    EXPECT_EQ(summary["notes"], 3);
    EXPECT_EQ(summary["simulation"], Json::parse(R"({"done": false, "objects": [], "missing_objects": []})"));
    EXPECT_EQ(summary["headers_error"], nullptr);

    check::Summary whole = simulated_check();
    whole.objects = {"ext4"};
    whole.not_simulated = {"xfs"};
    whole.not_checked.add("state", "the model has none");
    const Json json = check_json("a.ko", {}, whole);
    EXPECT_EQ(json["kernel"], "k");
    EXPECT_EQ(json["summary"]["simulation"],
              Json::parse(R"({"done": true, "objects": ["ext4"], "missing_objects": ["xfs"]})"));
    EXPECT_EQ(json["summary"]["not_checked"], Json::parse(R"([{"what": "state", "why": "the model has none"}])"));
}

}  // namespace
}  // namespace klp::report
