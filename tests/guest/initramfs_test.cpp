// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/initramfs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/process.hpp"

using testing::ElementsAre;
using testing::HasSubstr;

namespace klp::guest {
namespace {

// cpio's own view of an archive: `arguments` are those of `cpio -i`.
CommandResult cpio(const std::string& archive, const std::vector<std::string>& arguments, const fs::path& folder = {}) {
    Command command;
    command.argv = {"cpio", "-i", "--quiet"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.directory = folder;
    command.input = archive;
    return run(command);
}

std::string failure_of(Initramfs& initramfs, std::string_view path) {
    try {
        initramfs.add_file(path, {});
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

class InitramfsTest : public testing::Test {
protected:
    void SetUp() override {
        if (!find_program("cpio")) GTEST_SKIP() << "cpio is not installed: the archive cannot be checked";
    }
};

TEST_F(InitramfsTest, CpioListsWhatWasAdded) {
    Initramfs initramfs;
    initramfs.add_file("init", as_bytes("#!/bin/sh\n"), true);
    initramfs.add_file("klp/modules/a.ko", as_bytes("12345"));
    initramfs.add_character_device("dev/console", 5, 1);
    const std::string archive = std::move(initramfs).finish();
    EXPECT_EQ(archive.size() % 4, 0U);
    EXPECT_EQ(cpio(archive, {"-t"}).output, "init\nklp\nklp/modules\nklp/modules/a.ko\ndev\ndev/console\n");
    const std::string table = cpio(archive, {"-tvn"}).output;
    EXPECT_THAT(table, HasSubstr("-rwxr-xr-x"));
    EXPECT_THAT(table, HasSubstr("drwxr-xr-x"));
    EXPECT_THAT(table, HasSubstr("crw-------"));
    EXPECT_THAT(table, testing::ContainsRegex("5, +1 .*dev/console"));
}

TEST_F(InitramfsTest, ContentsComeOutAgainAtEachAlignment) {
    for (std::size_t size = 0; size < 9; ++size) {
        Initramfs initramfs;
        const std::string content = std::string("\0\n70701xyz", 10).substr(0, size);
        initramfs.add_file("a", as_bytes(content));
        initramfs.add_file("bc", as_bytes("second"));
        const TempDir folder("test");
        const auto unpacked = cpio(std::move(initramfs).finish(), {"-d"}, folder.path());
        ASSERT_EQ(unpacked.status, 0) << unpacked.errors;
        EXPECT_EQ(read_text(folder.path() / "a"), content);
        EXPECT_EQ(read_text(folder.path() / "bc"), "second");
    }
}

TEST(Initramfs, RefusesPathsThatAreTakenOrNotPlain) {
    Initramfs initramfs;
    initramfs.add_folder("bin");
    initramfs.add_file("init", {});
    EXPECT_THAT(failure_of(initramfs, "init"), HasSubstr("'/init' is in the guest already"));
    EXPECT_THAT(failure_of(initramfs, "bin"), HasSubstr("'/bin' is in the guest already"));
    for (const char* const path : {"", "/etc", "etc/", "..", "."})
        EXPECT_THAT(failure_of(initramfs, path), HasSubstr("cannot be a path")) << path;
}

}  // namespace
}  // namespace klp::guest
