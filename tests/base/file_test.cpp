// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/process.hpp"

using testing::HasSubstr;

namespace klp {
namespace {

std::size_t entries_in(const fs::path& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

std::string write_error(const fs::path& path, std::string_view text) {
    try {
        write_file(path, text);
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

TEST(MappedFile, GivesTheBytesAndMoves) {
    const TempDir folder;
    write_file(folder.path() / "a", std::string_view("content"));
    write_file(folder.path() / "empty", std::string_view());
    MappedFile file(folder.path() / "a");
    EXPECT_EQ(as_text(file.bytes()), "content");
    MappedFile other(folder.path() / "empty");
    EXPECT_TRUE(other.bytes().empty());
    other = std::move(file);
    EXPECT_EQ(as_text(other.bytes()), "content");
}

TEST(MappedFile, RefusesWhatIsNoRegularFile) {
    const TempDir folder;
    ASSERT_EQ(::mkfifo((folder.path() / "fifo").c_str(), 0600), 0);
    EXPECT_THROW(MappedFile{folder.path()}, Error);
    EXPECT_THROW(MappedFile{folder.path() / "fifo"}, Error);
    EXPECT_THROW(MappedFile{folder.path() / "missing"}, Error);
}

TEST(ReadText, ReadsFilesWithoutASize) {
    EXPECT_THAT(read_text("/proc/self/status"), HasSubstr("Name:"));
}

TEST(WriteFile, ReplacesTheWholeFile) {
    const TempDir folder;
    const fs::path path = folder.path() / "out";
    write_file(path, std::string_view("first, longer"));
    write_file(path, std::string_view("second"), fs::perms(0700));
    EXPECT_EQ(read_text(path), "second");
    EXPECT_EQ(fs::status(path).permissions(), fs::perms(0700));
    EXPECT_EQ(entries_in(folder.path()), 1U);
}

TEST(WriteFile, FailuresLeaveNothing) {
    const TempDir folder;
    EXPECT_THAT(write_error(folder.path() / "none" / "out", "x"), HasSubstr("no such file or directory"));
    EXPECT_THAT(write_error(folder.path(), "x"), HasSubstr("is a directory"));
    EXPECT_THAT(write_error("/dev/null", "x"), HasSubstr("not a regular file"));
    EXPECT_TRUE(fs::is_character_file("/dev/null"));
    EXPECT_EQ(entries_in(folder.path()), 0U);
}

TEST(WriteFile, LeavesTheOldFileWhereTheDiskIsFull) {
    const TempDir folder;
    const fs::path path = folder.path() / "out";
    write_file(path, std::string_view("old"));
    // A limit on the file's size stands for a full disk.
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit small{1000, before.rlim_max};
    const auto handler = ::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const std::string message = write_error(path, std::string(5000, 'x'));
    ::setrlimit(RLIMIT_FSIZE, &before);
    ::signal(SIGXFSZ, handler);
    EXPECT_THAT(message, HasSubstr("cannot write: file too large"));
    EXPECT_EQ(read_text(path), "old");
    EXPECT_EQ(entries_in(folder.path()), 1U);
}

TEST(TempDir, GoesWithReadOnlyFoldersInIt) {
    fs::path path;
    {
        const TempDir folder("klp-test");
        path = folder.path();
        fs::create_directories(path / "a" / "b");
        write_file(path / "a" / "b" / "f", std::string_view("x"));
        fs::permissions(path / "a" / "b", fs::perms(0500));
        fs::permissions(path / "a", fs::perms(0));
    }
    EXPECT_FALSE(fs::exists(path));
}

TEST(TempDir, GoesWhenTheStackUnwinds) {
    fs::path path;
    try {
        const TempDir folder;
        path = folder.path();
        throw Error("stop");
    } catch (const Error&) {
        EXPECT_FALSE(fs::exists(path));
    }
}

TEST(TempDir, IsWhereKbuildCanWork) {
    const TempDir folder;
    const fs::path odd = folder.path() / "with a space";
    fs::create_directory(odd);
    ASSERT_EQ(::setenv("TMPDIR", folder.path().c_str(), 1), 0);
    EXPECT_EQ(TempDir().path().parent_path(), folder.path());
    ASSERT_EQ(::setenv("TMPDIR", odd.c_str(), 1), 0);
    EXPECT_EQ(TempDir().path().parent_path(), "/tmp");
    ::unsetenv("TMPDIR");
    EXPECT_TRUE(is_plain_path("/home/J\xc3\xb6rg/.cache/linux-6.1_x+y@z"));
    for (const char* path : {"/a b", "/a:b", "/a,b", "/a$b", "/a'b", "/a#b"}) EXPECT_FALSE(is_plain_path(path)) << path;
}

// A program that outlives the one that was killed still writes where the lock was for.
TEST(FileLock, IsHeldByProgramsToWhichItWasPassedOn) {
    const TempDir folder("test-lock");
    const fs::path path = folder.path() / "lock";
    for (const bool passed : {true, false}) {
        std::optional<FileLock> lock(std::in_place, path, FileLock::Mode::exclusive);
        if (passed) lock->pass_on();
        const Command command{.argv = {"sh", "-c", "sleep 100 >&- 2>&- & echo $!"}};
        const pid_t left = std::stoi(run_checked(command, "the program cannot be started").output);
        lock.reset();
        EXPECT_EQ(FileLock::if_free(path, FileLock::Mode::shared).has_value(), !passed);
        ::kill(left, SIGKILL);
        const FileLock waits_for_its_end(path, FileLock::Mode::exclusive);
    }
}

TEST(FileLock, ExcludesOthersUntilItGoes) {
    const TempDir folder;
    const fs::path path = folder.path() / "lock";
    std::atomic<bool> released = false;
    std::atomic<bool> early = false;
    std::thread other;
    {
        const FileLock lock(path, FileLock::Mode::exclusive);
        other = std::thread([&] {
            const FileLock second(path, FileLock::Mode::shared);
            early = !released;
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(60));
        released = true;
    }
    other.join();
    EXPECT_FALSE(early);
    const FileLock first(path, FileLock::Mode::shared);
    const FileLock second(path, FileLock::Mode::shared);
}

TEST(CacheRoot, FollowsTheEnvironment) {
    const auto with = [](const char* own, const char* xdg) {
        ::setenv("KLPKIT_CACHE", own, 1);
        ::setenv("XDG_CACHE_HOME", xdg, 1);
        ::setenv("HOME", "/home/u", 1);
        return cache_root();
    };
    EXPECT_EQ(with("/c", "/x"), "/c");
    EXPECT_EQ(with("", "/x"), "/x/klpkit");
    EXPECT_EQ(with("", ""), "/home/u/.cache/klpkit");
    EXPECT_EQ(with("", "relative"), "/home/u/.cache/klpkit");
}

}  // namespace
}  // namespace klp
