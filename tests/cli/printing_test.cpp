// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "cli/command.hpp"

namespace klp::cli {
namespace {

template <typename Action>
std::string standard_error_of(Action action) {
    testing::internal::CaptureStderr();
    action();
    return testing::internal::GetCapturedStderr();
}

TEST(PrintError, HasPlaceMessageAndHints) {
    Error error({"a.ko", ".text", 16}, "what is wrong");
    error.hint("do this").hint("or that");
    EXPECT_EQ(standard_error_of([&] { print_error(error); }),
              "klp: error: a.ko:(.text+0x10): what is wrong\n  hint: do this\n  hint: or that\n");
}

TEST(PrintError, IndentsFurtherLinesAndEscapesControlCharacters) {
    EXPECT_EQ(standard_error_of([] { print_error(Error("gcc failed:\nfoo.c:1\x1b[1m\n")); }),
              "klp: error: gcc failed:\n  foo.c:1\\x1b[1m\n");
}

TEST(PrintFindings, ErrorsComeLast) {
    Diagnostics diagnostics;
    diagnostics.error("test.first", {"a.o", {}, {}}, "first").note("because\nof that").hint("do this");
    diagnostics.warning("test.second", {}, "second");
    diagnostics.add(Severity::note, "test.third", {}, "third");
    EXPECT_EQ(standard_error_of([&] { print_findings(diagnostics); }),
              "klp: note: third [test.third]\n"
              "klp: warning: second [test.second]\n"
              "klp: error: a.o: first [test.first]\n  note: because\n    of that\n  hint: do this\n");
}

TEST(StderrProgress, IsALineEach) {
    EXPECT_EQ(standard_error_of([] { stderr_progress()("downloading"); }), "downloading\n");
}

int run(std::vector<std::string> arguments) {
    std::vector<char*> argv;
    for (std::string& each : arguments) argv.push_back(each.data());
    return run_program(static_cast<int>(argv.size()), argv.data());
}

TEST(Program, MapsWrongUsageTo64AndNamesTheHelpToRead) {
    const std::string text = standard_error_of([] { EXPECT_EQ(run({"klp", "kernel", "fetch", "--nonsense"}), 64); });
    EXPECT_NE(text.find("--nonsense"), std::string::npos) << text;
    EXPECT_NE(text.find("hint: see 'klp kernel fetch --help'"), std::string::npos) << text;
    EXPECT_NE(standard_error_of([] { EXPECT_EQ(run({"klp"}), 64); }), "");
}

TEST(Program, MapsErrorsToTheirStatus) {
    EXPECT_EQ(standard_error_of([] {
                  EXPECT_EQ(run({"klp", "inspect", "/nonexistent.ko"}), 1);
              }).substr(0, 27),
              "klp: error: /nonexistent.ko");
}

}  // namespace
}  // namespace klp::cli
