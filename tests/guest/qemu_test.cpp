// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/qemu.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <thread>

#include "base/process.hpp"
#include "guest/pvh.hpp"
#include "tiny_kernel.hpp"

using testing::HasSubstr;

namespace klp::guest {
namespace {

class QemuTest : public testing::Test {
protected:
    void SetUp() override {
        if (!find_program(machine_.qemu)) GTEST_SKIP() << machine_.qemu << " is not installed: no guest is started";
    }

    [[nodiscard]] Boot boot_of(const fs::path& kernel,
                               std::chrono::seconds time_limit = std::chrono::seconds(60)) const {
        return {.machine = machine_,
                .kernel = kernel,
                .initramfs = "some bytes",
                .kernel_arguments = "a=b",
                .time_limit = time_limit,
                .on_console = {}};
    }

    const Machine& machine_ = machine_for("x86_64");
    TempDir folder_{"klp-test"};
};

// Whether the command line of some process names a file in `folder`.
bool is_in_use(const fs::path& folder) {
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const std::string name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        try {
            if (read_text(entry.path() / "cmdline").find(folder.string()) != std::string::npos) return true;
        } catch (const Error&) {
            continue;  // it ended meanwhile
        }
    }
    return false;
}

TEST_F(QemuTest, BothPortsAreRead) {
    Boot request = boot_of(test::tiny_kernel(folder_.path(), test::tiny_kernel_resets));
    std::string streamed;
    request.on_console = [&](std::string_view text) { streamed += text; };
    const Ports ports = boot(request);
    EXPECT_EQ(ports.console, "console\n");
    EXPECT_EQ(ports.report, "report\n");
    EXPECT_EQ(streamed, ports.console);
    EXPECT_FALSE(ports.timed_out);
}

TEST_F(QemuTest, OneThatHangsIsEndedAndItsOutputKept) {
    const Ports ports =
        boot(boot_of(test::tiny_kernel(folder_.path(), test::tiny_kernel_hangs), std::chrono::seconds(3)));
    EXPECT_TRUE(ports.timed_out);
    EXPECT_EQ(ports.console, "console\n");
    EXPECT_EQ(ports.report, "report\n");
    EXPECT_FALSE(is_in_use(folder_.path()));
}

TEST_F(QemuTest, SeveralRunAtOnceAndPathsMayHaveCommas) {
    const fs::path scratch = folder_.path() / "a,b c";
    fs::create_directory(scratch);
    ::setenv("TMPDIR", scratch.c_str(), 1);
    const fs::path kernel = test::tiny_kernel(scratch, test::tiny_kernel_resets);
    std::vector<std::string> reports(3);
    {
        std::vector<std::jthread> threads;
        for (std::string& report : reports) threads.emplace_back([&] { report = boot(boot_of(kernel)).report; });
    }
    ::unsetenv("TMPDIR");
    EXPECT_THAT(reports, testing::Each("report\n"));
}

TEST_F(QemuTest, WhatQemuRefusesIsAnError) {
    const fs::path kernel = folder_.path() / "kernel";
    write_file(kernel, std::string_view("no kernel"));
    try {
        (void)boot(boot_of(kernel));
        FAIL() << "it started";
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("'qemu-system-x86_64' failed with status 1"));
    }
}

TEST(Qemu, MissingQemuIsAnErrorWithTheNameOfItsPackage) {
    Machine machine = machine_for("x86_64");
    machine.qemu = "qemu-system-none";
    machine.package = "qemu-none";
    try {
        (void)boot({.machine = machine,
                    .kernel = "k",
                    .initramfs = {},
                    .kernel_arguments = {},
                    .time_limit = {},
                    .on_console = {}});
        FAIL() << "it started";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "'qemu-system-none' is not installed");
        EXPECT_THAT(error.hints(), testing::ElementsAre("install the package qemu-none"));
    }
}

TEST(Pvh, EntryIsFoundByItsNote) {
    const TempDir folder("klp-test");
    for (const bool note : {true, false}) {
        const MappedFile kernel(test::tiny_kernel(folder.path(), test::tiny_kernel_hangs, note));
        EXPECT_EQ(has_pvh_entry(kernel.bytes(), {}), note);
    }
}

TEST(Pvh, NotesOfOthersAreNone) {
    const TempDir folder("klp-test");
    std::string kernel = read_text(test::tiny_kernel(folder.path(), test::tiny_kernel_hangs));
    constexpr std::string_view header("\4\0\0\0\10\0\0\0\22\0\0\0", 12);
    const std::size_t name = kernel.find(std::string(header) + "Xen") + header.size();
    ASSERT_GT(name, header.size());
    kernel.replace(name, 3, "GNU");
    EXPECT_FALSE(has_pvh_entry(as_bytes(kernel), {}));
}

TEST(Pvh, TruncatedAndForeignFilesAreErrors) {
    const TempDir folder("klp-test");
    const MappedFile kernel(test::tiny_kernel(folder.path(), test::tiny_kernel_hangs));
    for (std::size_t size = 0; size < 200; ++size)
        EXPECT_THROW((void)has_pvh_entry(kernel.bytes().subspan(0, size), {}), Error) << size;
    EXPECT_THROW((void)has_pvh_entry(as_bytes("#!/bin/sh\n"), {}), Error);
    EXPECT_THROW((void)has_pvh_entry(as_bytes("\x7f"
                                              "ELF\1\1\1"),
                                     {}),
                 Error);
}

}  // namespace
}  // namespace klp::guest
