// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/diagnostics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using testing::ElementsAre;

namespace klp {
namespace {

std::vector<std::string> lines(const Diagnostics& diagnostics) {
    std::vector<std::string> text;
    for (const Finding& each : diagnostics.findings())
        text.push_back((each.severity == Severity::error ? "error " : "warning ") + each.where.text() + " " +
                       each.message);
    return text;
}

TEST(Diagnostics, SayTheSameOnce) {
    Diagnostics diagnostics;
    diagnostics.error("test.one", {"f", {}, 1}, "one").note("first");
    diagnostics.error("test.one", {"f", {}, 1}, "one").note("first").note("second");
    diagnostics.error("test.one", {"f", {}, 2}, "one");
    diagnostics.error("test.other", {"f", {}, 1}, "one");
    diagnostics.warning("test.one", {"f", {}, 1}, "one");
    EXPECT_THAT(lines(diagnostics),
                ElementsAre("error f:+0x1 one", "error f:+0x2 one", "error f:+0x1 one", "warning f:+0x1 one"));
    EXPECT_THAT(diagnostics.findings().front().notes, ElementsAre("first", "second"));
}

TEST(Diagnostics, AppendWhatOthersFoundWithNotesAndHints) {
    Diagnostics one, other;
    one.error("test.one", {}, "same").note("here");
    other.error("test.one", {}, "same").note("there").hint("do").details = "{}";
    other.warning("test.one", {}, "same");
    one.append(other);
    EXPECT_THAT(lines(one), ElementsAre("error  same", "warning  same"));
    EXPECT_THAT(one.findings().front().notes, ElementsAre("here", "there"));
    EXPECT_THAT(one.findings().front().hints, ElementsAre("do"));
    EXPECT_EQ(one.findings().front().details, "{}");
}

TEST(Diagnostics, SayOfASubjectOnceWhatManyPlacesHave) {
    Diagnostics diagnostics;
    EXPECT_NE(diagnostics.add_once("x", Severity::error, "test.one", {"f", {}, 1}, "x is bad"), nullptr);
    EXPECT_EQ(diagnostics.add_once("x", Severity::error, "test.one", {"f", {}, 2}, "x is bad for g"), nullptr);
    EXPECT_EQ(diagnostics.add_once("x", Severity::warning, "test.one", {"f", {}, 3}, "x is odd"), nullptr);
    EXPECT_NE(diagnostics.add_once("y", Severity::error, "test.one", {"f", {}, 4}, "y is bad"), nullptr);
    EXPECT_NE(diagnostics.add_once("x", Severity::error, "test.other", {"f", {}, 5}, "x is worse"), nullptr);
    EXPECT_THAT(lines(diagnostics),
                ElementsAre("error f:+0x1 x is bad", "error f:+0x4 y is bad", "error f:+0x5 x is worse"));
}

// A warning that came first must not hold back the error of another place.
TEST(Diagnostics, SayAnErrorOfASubjectThatWasWarnedOf) {
    Diagnostics diagnostics;
    EXPECT_NE(diagnostics.add_once("x", Severity::warning, "test.one", {"f", {}, 1}, "x is odd"), nullptr);
    EXPECT_NE(diagnostics.add_once("x", Severity::error, "test.one", {"f", {}, 2}, "x is bad"), nullptr);
    EXPECT_EQ(diagnostics.add_once("x", Severity::error, "test.one", {"f", {}, 3}, "x is bad"), nullptr);
    EXPECT_THAT(lines(diagnostics), ElementsAre("warning f:+0x1 x is odd", "error f:+0x2 x is bad"));
    EXPECT_TRUE(diagnostics.has_errors());
}

}  // namespace
}  // namespace klp
