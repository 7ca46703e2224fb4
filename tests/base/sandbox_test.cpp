// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/sandbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/process.hpp"

using testing::HasSubstr;

namespace klp {
namespace {

class ASandbox : public testing::Test {
protected:
    void SetUp() override {
        const auto busybox = find_program("busybox");
        if (!busybox || run({.argv = {"ldd", *busybox}}).status == 0) GTEST_SKIP() << "no static busybox";
        if (run({.argv = {"bwrap", "--ro-bind", "/", "/", "true"}}).status != 0) GTEST_SKIP() << "no bubblewrap";
        fs::create_directories(root / "usr/bin");
        fs::copy_file(*busybox, root / "usr/bin/sh");
        fs::create_directories(source);
        write_file(source / "file", "the machine's\n");
    }

    // What a script says that sees `source` at `place`, which need not be there on the machine.
    std::string says(const std::string& script, const fs::path& place, bool writable = false) {
        Sandbox sandbox{root, {}, {}};
        (writable ? sandbox.writable : sandbox.readable) = {place};
        std::vector<std::string> argv = sandboxed(sandbox, {"/usr/bin/sh", "-c", script});
        const auto mount = std::ranges::find(argv, writable ? "--bind-try" : "--ro-bind-try");
        EXPECT_EQ(*(mount + 1), place.string());
        *(mount + 1) = source.string();
        const CommandResult result = run({.argv = argv});
        return result.output + result.errors;
    }
    void root_has(const fs::path& file) const {
        fs::create_directories((root / file).parent_path());
        write_file(root / file, "the root's\n");
    }

    TempDir scratch{"sandbox"};
    fs::path root = scratch.path() / "root";
    fs::path source = scratch.path() / "source";
};

TEST_F(ASandbox, ShowsAFolderBesideTheRoots) {
    EXPECT_EQ(says("read a </work/linux/file; echo $a", "/work/linux"), "the machine's\n");
}

TEST_F(ASandbox, ShowsAFolderBelowOneOfTheRoots) {
    root_has("usr/src/other/file");
    root_has("usr/src/note");
    root_has("usr/share/file");
    const std::string script =
        "for each in src/linux/file src/other/file src/note share/file; do read a </usr/$each; echo $a; done";
    EXPECT_EQ(says(script, "/usr/src/linux"), "the machine's\nthe root's\nthe root's\nthe root's\n");
    EXPECT_EQ(says(script, "/usr/src/linux/"), "the machine's\nthe root's\nthe root's\nthe root's\n");
}

TEST_F(ASandbox, ShowsAFolderInPlaceOfTheRoots) {
    root_has("usr/src/linux/file");
    root_has("usr/src/linux/more");
    EXPECT_EQ(says("cd /usr/src/linux; read a <file; echo $a *", "/usr/src/linux"), "the machine's file\n");
    fs::remove_all(root / "usr/src/linux");
    root_has("usr/src/linux");  // a file
    EXPECT_EQ(says("cd /usr/src/linux; read a <file; echo $a *", "/usr/src/linux"), "the machine's file\n");
}

TEST_F(ASandbox, ShowsAFolderBehindLinksOfTheRoot) {
    root_has("usr/lib/modules/list");
    fs::create_symlink("usr/lib", root / "lib");
    fs::create_symlink("/usr/lib/modules", root / "usr/modules");
    for (const char* place : {"/lib/modules/build", "/usr/modules/build"})
        EXPECT_EQ(says(std::string("cd ") + place + "; read a <file; read b <../list; echo $a $b", place),
                  "the machine's the root's\n");
    fs::create_symlink("round", root / "usr/round");
    EXPECT_THROW(static_cast<void>(sandboxed({root, {"/usr/round/x"}, {}}, {"sh"})), Error);
}

TEST_F(ASandbox, IsWrittenToWhereThatIsAllowedAlone) {
    root_has("usr/src/other/file");
    EXPECT_THAT(says("echo new >/usr/src/linux/file", "/usr/src/linux"), HasSubstr("Read-only file system"));
    EXPECT_THAT(says("echo new >/usr/src/other/file", "/usr/src/linux", true), HasSubstr("Read-only file system"));
    EXPECT_THAT(says("echo new >/usr/bin/sh", "/usr/src/linux", true), HasSubstr("Read-only file system"));
    EXPECT_EQ(says("echo new >/usr/src/linux/file", "/usr/src/linux", true), "");
    EXPECT_EQ(read_text(source / "file"), "new\n");
    EXPECT_EQ(read_text(root / "usr/src/other/file"), "the root's\n");
    // Beside them is nothing of the machine's, and nothing that stays.
    EXPECT_EQ(says("echo new >/usr/src/more", "/usr/src/linux", true), "");
    EXPECT_FALSE(fs::exists(root / "usr/src/more"));
}

}  // namespace
}  // namespace klp
