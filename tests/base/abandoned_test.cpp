// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/abandoned.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "base/output.hpp"
#include "base/pending_file.hpp"

namespace klp {
namespace {

class Abandoned : public testing::Test {
protected:
    // A scratch folder of a process that was killed.
    [[nodiscard]] fs::path of_dead_process() const {
        const pid_t child = ::fork();
        if (child == 0) {
            const TempDir folder("klp-dead", folder_.path());
            write_file(folder.path() / "file", std::string_view("x"));
            ::raise(SIGKILL);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        for (const auto& entry : fs::directory_iterator(folder_.path())) {
            if (entry.path().filename().string().starts_with("klp-dead")) return entry.path();
        }
        return {};
    }

    TempDir folder_{"klp-test"};
};

TEST_F(Abandoned, FoldersOfTheDeadGoThoseOfTheLivingStay) {
    const TempDir living("klp-living", folder_.path());
    const fs::path dead = of_dead_process();
    ASSERT_TRUE(fs::exists(dead / "file"));
    remove_abandoned(folder_.path());
    EXPECT_FALSE(fs::exists(dead));
    EXPECT_TRUE(fs::exists(living.path()));
}

TEST_F(Abandoned, TheFirstFolderOfAProcessMakesRoom) {
    const fs::path dead = of_dead_process();
    const pid_t child = ::fork();  // a process that has made none there
    if (child == 0) {
        { const TempDir folder("klp-next", folder_.path()); }
        ::_exit(fs::exists(dead) ? 1 : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
}

TEST_F(Abandoned, OnlyWhatHasSuchANameGoes) {
    for (const char* name : {"klp.klpkit-abcdeF", "klp.klpkit-abcde", "klp.klpkit-abcd.f", ".klpkit-abcdef", "klp-x"})
        fs::create_directory(folder_.path() / name);
    for (const char* name :
         {".klp-0123456789abcdef.tmp", ".klp-0123456789abcdeF.tmp", ".klp-0123456789abcdef", "f.tmp"})
        write_file(folder_.path() / name, std::string_view("x"));
    fs::create_directory_symlink(folder_.path(), folder_.path() / "link.klpkit-abcdef");
    remove_abandoned(folder_.path());
    EXPECT_FALSE(fs::exists(folder_.path() / "klp.klpkit-abcdeF"));
    EXPECT_FALSE(fs::exists(folder_.path() / ".klp-0123456789abcdef.tmp"));
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 8);
}

// A process that has begun to write a file.
class Beginner {
public:
    explicit Beginner(const fs::path& destination) {
        int ready[2];
        EXPECT_EQ(::pipe(ready), 0);
        child_ = ::fork();
        if (child_ == 0) {
            const PendingFile file(destination, fs::perms(0644));
            EXPECT_EQ(::write(ready[1], "x", 1), 1);
            for (;;) ::pause();
        }
        char byte = 0;
        EXPECT_EQ(::read(ready[0], &byte, 1), 1);
        ::close(ready[0]);
        ::close(ready[1]);
    }
    ~Beginner() { kill(); }
    Beginner(const Beginner&) = delete;
    Beginner& operator=(const Beginner&) = delete;

    void kill() {
        if (child_ <= 0) return;
        ::kill(std::exchange(child_, 0), SIGKILL);
        ::wait(nullptr);
    }

private:
    pid_t child_ = 0;
};

TEST_F(Abandoned, UnfinishedOutputsOfTheDeadGoWithTheNextOutput) {
    const auto files = [&] { return std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()); };
    const auto write_output = [&] {
        OutputFile output(folder_.path() / "output", {});
        output.write(std::vector<std::byte>(3));
        output.commit();
    };
    Beginner other(folder_.path() / "other");
    EXPECT_EQ(files(), 1);
    write_output();
    EXPECT_EQ(files(), 2) << "it was still being written";
    other.kill();
    write_output();
    EXPECT_EQ(files(), 1);
    EXPECT_TRUE(fs::exists(folder_.path() / "output"));
}

TEST_F(Abandoned, ThoseOfOtherUsersStay) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to make what is another user's";
    const fs::path dead = of_dead_process();
    ASSERT_EQ(::chown(dead.c_str(), 65534, 65534), 0);
    remove_abandoned(folder_.path());
    EXPECT_TRUE(fs::exists(dead));
}

TEST_F(Abandoned, AClaimIsOfTheThingThatHasTheName) {
    const fs::path path = folder_.path() / "f";
    EXPECT_FALSE(claim(path));
    write_file(path, std::string_view("x"));
    const Descriptor first = claim(path);
    EXPECT_TRUE(first);
    EXPECT_FALSE(claim(path)) << "another has it";
}

}  // namespace
}  // namespace klp
