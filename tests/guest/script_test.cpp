// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/script.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/process.hpp"
#include "guest/script_functions.hpp"

using testing::HasSubstr;

namespace klp::guest {
namespace {

CommandResult shell(std::vector<std::string> arguments, const std::string& script) {
    Command command;
    command.argv = {"sh"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.input = script;
    return run(command);
}

std::vector<Step> all_steps() {
    return {load_module_step("it's a; reboot.ko"),
            command_step("before"),
            load_livepatch_step("fix.ko"),
            command_step("after"),
            revert_step(),
            unload_step()};
}

TEST(Script, IsValidShell) {
    const std::string script = make_init(machine_for("x86_64"), "nonce", all_steps(), std::chrono::seconds(60));
    const CommandResult checked = shell({"-n"}, script);
    EXPECT_EQ(checked.status, 0) << checked.errors;
    EXPECT_THAT(script, testing::StartsWith("#!/bin/busybox sh\n"));
    EXPECT_THAT(script, HasSubstr("transition_seconds='60'"));
    EXPECT_THAT(script,
                HasSubstr("step 2 'klp: step 2: load livepatch fix.ko'\nload_livepatch '/klp/modules/fix.ko'\n"));
}

TEST(Script, IsThereForEachArchitecture) {
    for (const char* const arch : {"x86_64", "ppc64le", "s390x", "arm64"}) {
        const Machine& machine = machine_for(arch);
        const std::string script = make_init(machine, "nonce", all_steps(), std::chrono::seconds(60));
        EXPECT_EQ(shell({"-n"}, script).status, 0) << arch;
        EXPECT_THAT(script, HasSubstr(std::string("shared='") + (machine.shares_console() ? "yes'" : "'"))) << arch;
        EXPECT_THAT(script, HasSubstr("report='/" + std::string(machine.report.path) + "'")) << arch;
    }
}

TEST(Script, WordsAreQuoted) {
    for (const char* const word : {"", "a b", "it's", "$(id)", "\\", "a\nb", "--", "'"})
        EXPECT_EQ(shell({}, std::string("printf %s ") + shell_quote(word)).output, word);
}

// The functions up to the part that makes the guest's file system, with `report` in place of the port.
CommandResult call(const std::string& calls) {
    const std::string functions(script_functions.substr(0, script_functions.find("export PATH=")));
    return shell(
        {}, "nonce=N; shared=; power_off=exit; transition_seconds=1; end_mark=\n" + functions + "exec 3>&1\n" + calls);
}

TEST(Script, RecordsAreLinesOfTheirOwn) {
    EXPECT_EQ(call("printf unfinished; record transition 5").output, "unfinished\nN transition 5\n");
    EXPECT_THAT(call("printf 'a\\nb' | payload output before 3").output,
                testing::MatchesRegex("\nN output before 3 [A-Za-z0-9+/=]+\n"));
}

TEST(Script, ATriedModuleMayFailToLoad) {
    const std::string insmod = "insmod() { echo \"no $1\" >&2; return 1; }\n";
    EXPECT_EQ(call(insmod + "try_load a.ko; echo on").output, "on\n");
    EXPECT_THAT(call(insmod + "load a.ko; echo on").output, testing::Not(HasSubstr("on\n")));
}

TEST(Script, TheClockCountsMicroseconds) {
    EXPECT_EQ(call("EPOCHREALTIME=1795248234.000038; now; echo $clock").output, "1795248234000038\n");
    EXPECT_EQ(call("EPOCHREALTIME=0.089201; now; echo $clock").output, "89201\n");
    EXPECT_THAT(call("EPOCHREALTIME=; now; echo $clock").output, testing::MatchesRegex("[1-9][0-9]+0000\n"));
}

TEST(Script, UnknownArchitecturesAreRefused) {}

}  // namespace
}  // namespace klp::guest
