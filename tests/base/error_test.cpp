// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/error.hpp"

#include <gtest/gtest.h>

#include "base/diagnostics.hpp"
#include "base/progress.hpp"

namespace klp {
namespace {

TEST(Location, PrintsWhatItHas) {
    EXPECT_EQ(Location{}.text(), "");
    EXPECT_EQ((Location{"f.o", {}, {}}).text(), "f.o");
    EXPECT_EQ((Location{"f.o", {}, 0x1f}).text(), "f.o:+0x1f");
    EXPECT_EQ((Location{"f.o", ".text", {}}).text(), "f.o:(.text)");
    EXPECT_EQ((Location{"f.o", ".text", 0}).text(), "f.o:(.text+0x0)");
    EXPECT_EQ((Location{{}, ".text", 4}).text(), "(.text+0x4)");
}

TEST(Error, KeepsPlaceMessageCodeAndHints) {
    try {
        throw Error({"f.o", {}, {}}, "bad magic", ExitCode::unsafe).hint("try another");
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "f.o: bad magic");
        EXPECT_EQ(error.message(), "bad magic");
        EXPECT_EQ(error.code(), ExitCode::unsafe);
        EXPECT_EQ(error.hints(), std::vector<std::string>{"try another"});
    }
}

TEST(Diagnostics, StopsOnErrorsOnly) {
    Diagnostics diagnostics;
    diagnostics.warning("test.odd", {}, "odd").note("a note").hint("a hint");
    EXPECT_NO_THROW(diagnostics.stop_on_errors("failed"));
    diagnostics.error("test.bad", {}, "bad");
    try {
        diagnostics.stop_on_errors("1 function cannot be patched");
        FAIL() << "expected an Error";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::unsafe);
        EXPECT_EQ(error.message(), "1 function cannot be patched");
    }
    ASSERT_EQ(diagnostics.findings().size(), 2U);
    EXPECT_EQ(diagnostics.findings()[0].notes.front(), "a note");
}

TEST(FormatSize, UsesPowersOfTen) {
    EXPECT_EQ(format_size(0), "0 B");
    EXPECT_EQ(format_size(999), "999 B");
    EXPECT_EQ(format_size(1000), "1.0 kB");
    EXPECT_EQ(format_size(999'949), "999.9 kB");
    EXPECT_EQ(format_size(999'999), "1.0 MB");
    EXPECT_EQ(format_size(70'550'672), "70.6 MB");
}

TEST(Timings, AStageTimedTwiceAddsUp) {
    Timings timings;
    { const auto scope = timings.stage("compile"); }
    { const auto scope = timings.stage("link"); }
    { const auto scope = timings.stage("compile"); }
    ASSERT_EQ(timings.stages().size(), 2U);
    EXPECT_EQ(timings.stages()[0].name, "compile");
    EXPECT_GT(timings.stages()[0].seconds, 0);
}

}  // namespace
}  // namespace klp
