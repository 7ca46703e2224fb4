// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/process.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/parallel.hpp"

using namespace std::chrono_literals;
using testing::HasSubstr;

namespace klp {
namespace {

Command shell(std::string script) {
    Command command;
    command.argv = {"sh", "-c", std::move(script)};
    return command;
}

std::string failure_of(const Command& command) {
    try {
        run_checked(command, "trying");
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

// A process that has ended may stay a zombie where nobody reaps orphans.
bool is_running(const std::string& process) {
    try {
        return read_text("/proc/" + std::to_string(std::stoi(process)) + "/stat").find(") Z ") == std::string::npos;
    } catch (const Error&) {
        return false;
    }
}

TEST(Run, CapturesBothOutputsAndTheStatus) {
    const CommandResult result = run(shell("echo out; echo err >&2; exit 3"));
    EXPECT_EQ(result.output, "out\n");
    EXPECT_EQ(result.errors, "err\n");
    EXPECT_EQ(result.status, 3);
    EXPECT_FALSE(result.timed_out);
}

TEST(Run, PassesMoreInputThanAPipeHolds) {
    Command command = shell("cat");
    command.input.assign(1'000'000, 'x');
    std::size_t seen = 0;
    command.on_output = [&](std::string_view piece) { seen += piece.size(); };
    EXPECT_EQ(run(command).output, command.input);
    EXPECT_EQ(seen, command.input.size());
}

TEST(Run, AProgramNeedNotReadItsInput) {
    const auto before = ::signal(SIGPIPE, SIG_IGN);
    Command command = shell("exec <&-; sleep 0.05; exit 4");
    command.input.assign(1'000'000, 'x');
    EXPECT_EQ(run(command).status, 4);
    ::signal(SIGPIPE, before);
}

TEST(Run, StandardInputIsEmptyWithoutInput) {
    EXPECT_EQ(run(shell("cat; echo end")).output, "end\n");
}

TEST(Run, SetsDirectoryAndEnvironment) {
    ::setenv("KLP_TEST_OLD", "old", 1);
    Command command = shell("pwd; echo $KLP_TEST_OLD-$KLP_TEST_NEW");
    command.directory = "/";
    command.environment = {{"KLP_TEST_NEW", "new"}};
    EXPECT_EQ(run(command).output, "/\nold-new\n");
    command.environment = {{"KLP_TEST_OLD", "replaced"}};
    EXPECT_EQ(run(command).output, "/\nreplaced-\n");
    command.clear_environment = true;
    command.environment = {{"KLP_TEST_NEW", "alone"}};
    EXPECT_EQ(run(command).output, "/\n-alone\n");
}

TEST(Run, ASignalIsReportedAsStatus) {
    EXPECT_EQ(run(shell("kill -TERM $$")).status, 128 + SIGTERM);
}

TEST(Run, TheTimeLimitEndsTheWholeGroup) {
    Command command = shell("sleep 60 & echo $!; wait");
    command.time_limit = 200ms;
    const auto start = std::chrono::steady_clock::now();
    const CommandResult result = run(command);
    EXPECT_TRUE(result.timed_out);
    EXPECT_EQ(result.status, 128 + SIGKILL);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
    // SIGKILL has been sent, but the other process may not have run since.
    for (int i = 0; i < 100 && is_running(result.output); ++i) std::this_thread::sleep_for(10ms);
    EXPECT_FALSE(is_running(result.output));
}

TEST(Run, EndsWithTheProgramThoughADescendantHoldsItsOutput) {
    const auto start = std::chrono::steady_clock::now();
    const CommandResult result = run(shell("sleep 60 & echo done"));
    EXPECT_EQ(result.output, "done\n");
    EXPECT_EQ(result.status, 0);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
}

TEST(Run, SaysWhyAProgramCannotBeStarted) {
    Command command;
    command.argv = {"klp-no-such-program"};
    EXPECT_EQ(failure_of(command), "cannot run 'klp-no-such-program': not found in PATH");
    command.argv = {"/etc/passwd"};
    EXPECT_EQ(failure_of(command), "cannot run '/etc/passwd': permission denied");
    command = shell("true");
    command.directory = "/no/such/folder";
    EXPECT_EQ(failure_of(command), "/no/such/folder: cannot enter the folder: no such file or directory");
}

TEST(Run, WorksFromSeveralThreads) {
    std::vector<std::string> outputs(24);
    parallel_for(outputs.size(), 4, [&](std::size_t i) {
        Command command = shell("cat");
        command.input = std::to_string(i);
        outputs[i] = run(command).output;
    });
    for (std::size_t i = 0; i < outputs.size(); ++i) EXPECT_EQ(outputs[i], std::to_string(i));
}

TEST(Run, AnExceptionFromTheCallbackEndsTheChild) {
    Command command = shell("echo $$; sleep 60");
    std::string process;
    command.on_output = [&](std::string_view piece) {
        process = piece;
        throw Error("seen enough");
    };
    EXPECT_THROW((void)run(command), Error);
    EXPECT_FALSE(is_running(process));
}

TEST(RunChecked, HasTheLastLinesOfStandardError) {
    EXPECT_EQ(failure_of(shell("echo one >&2; echo two >&2; exit 7")), "trying: 'sh' failed with status 7:\none\ntwo");
    const std::string long_failure = failure_of(shell("seq 1 50 >&2; exit 1"));
    EXPECT_THAT(long_failure, HasSubstr("\n39\n"));
    EXPECT_THAT(long_failure, testing::Not(HasSubstr("\n38\n")));
    EXPECT_EQ(failure_of(shell("kill -KILL $$")), "trying: 'sh' was ended by signal 9");
    Command slow = shell("sleep 60");
    slow.time_limit = 50ms;
    EXPECT_EQ(failure_of(slow), "trying: 'sh' did not end within 50 ms");
}

TEST(Command, IsQuotedForAShell) {
    Command command;
    command.argv = {"printf", "%s", "it's", "", "a b"};
    command.environment = {{"LC_ALL", "C"}};
    EXPECT_EQ(command.text(), "LC_ALL=C printf %s 'it'\\''s' '' 'a b'");
}

// The flag of the handlers stays set, so the program that is interrupted is a fork of the test.
TEST(Interrupt, KillsTheChildAndThrows) {
    const TempDir folder;
    const fs::path note = folder.path() / "process";
    const pid_t program = ::fork();
    ASSERT_GE(program, 0);
    if (program == 0) {
        ::signal(SIGINT, SIG_DFL);  // shells ignore it in what they run in the background
        install_interrupt_handlers();
        try {
            (void)run(shell("echo $$ > " + note.string() + "; sleep 60"));
        } catch (const Interrupted&) {
            ::_exit(42);
        } catch (...) {
            ::_exit(1);
        }
        ::_exit(0);
    }
    for (int i = 0; i < 500 && (!fs::exists(note) || fs::file_size(note) == 0); ++i) std::this_thread::sleep_for(10ms);
    ::kill(program, SIGINT);
    int status = 0;
    ASSERT_EQ(::waitpid(program, &status, 0), program);
    EXPECT_EQ(WEXITSTATUS(status), 42);
    EXPECT_FALSE(is_running(read_text(note)));
}

TEST(ParallelFor, CallsEachJobOnce) {
    std::vector<int> calls(1000);
    parallel_for(calls.size(), 3, [&](std::size_t i) { ++calls[i]; });
    EXPECT_THAT(calls, testing::Each(1));
    parallel_for(0, 3, [](std::size_t) { FAIL(); });
}

TEST(ParallelFor, ThrowsTheFirstFailureByIndex) {
    for (const std::size_t slow : {std::size_t{0}, std::size_t{1}}) {
        std::atomic<int> begun = 0;
        try {
            parallel_for(2, 2, [&](std::size_t i) {
                // Both run before one fails, in either order in time.
                for (++begun; begun < 2;) std::this_thread::yield();
                if (i == slow) std::this_thread::sleep_for(50ms);
                throw Error(std::to_string(i));
            });
            FAIL() << "expected an Error";
        } catch (const Error& error) {
            EXPECT_EQ(error.message(), "0");
        }
    }
}

// What bubblewrap is told, by a stand-in for it.
TEST(Sandbox, SeesTheRootAndTheFoldersThatAreNamed) {
    const TempDir folder("klp-test");
    const fs::path root = folder.path() / "root";
    for (const char* name : {"usr/bin", "etc", "home/x", "proc", "tmp"}) fs::create_directories(root / name);
    fs::create_symlink("usr/bin", root / "bin");
    write_file(root / "file", std::string_view("x"));
    write_file(folder.path() / "bwrap", std::string_view("#!/bin/sh\necho \"$@\"\n"), fs::perms(0755));
    const std::string path = std::getenv("PATH");
    ::setenv("PATH", (folder.path().string() + ":" + path).c_str(), 1);
    const std::string said =
        run_checked({.argv = {"gcc", "-c"}, .sandbox = Sandbox{root, {"/in"}, {"/out"}}}, "asking").output;
    ::setenv("PATH", "", 1);
    EXPECT_THROW((void)run({.argv = {"gcc"}, .sandbox = Sandbox{root, {}, {}}}), Error);
    ::setenv("PATH", path.c_str(), 1);
    EXPECT_EQ(said,
              fmt::format("--unshare-all --die-with-parent --symlink usr/bin /bin --ro-bind {0}/etc /etc --ro-bind "
                          "{0}/usr /usr --dev /dev --proc /proc --tmpfs /tmp --ro-bind-try /in /in --bind-try /out "
                          "/out --setenv PATH /usr/sbin:/usr/bin:/sbin:/bin --setenv HOME /tmp -- gcc -c\n",
                          root.string()));
}

}  // namespace
}  // namespace klp
