// SPDX-License-Identifier: GPL-2.0-or-later
// A real kernel, where the catalogue has one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/process.hpp"
#include "guest/guest.hpp"
#include "guest/machine.hpp"
#include "kernel/catalogue.hpp"

using testing::HasSubstr;

namespace klp::guest {
namespace {

class BootTest : public testing::Test {
protected:
    void SetUp() override {
        if (kernel::list_kernels().empty()) GTEST_SKIP() << "the catalogue has no kernel: none is booted";
        const Machine& machine = machine_for(kernel::default_kernel().arch);
        if (!find_program(machine.qemu)) GTEST_SKIP() << machine.qemu << " is not installed: no kernel is booted";
        if (!find_program("busybox")) GTEST_SKIP() << "busybox is not installed: no kernel is booted";
    }
};

TEST_F(BootTest, ACommandsOutputComesBackByteForByte) {
    const kernel::Kernel kernel(kernel::default_kernel());
    Request request;
    request.command = "uname -r; printf 'a\\000\\377\\r\\n'; echo to stderr >&2; exit 7";
    const Result result = run(kernel, request, {});
    ASSERT_EQ(result.failure, "") << result.console;
    const std::string expected = kernel.manifest().release + "\n" + std::string("a\0\xff\r\n", 5) + "to stderr\n";
    for (const auto& output : {result.before, result.after, result.reverted}) {
        ASSERT_TRUE(output.has_value());
        EXPECT_EQ(output->stdout_text, expected);
        EXPECT_EQ(output->status, 7);
    }
}

TEST_F(BootTest, APanicIsAFailureOfItsStep) {
    Request request;
    request.command = "echo c >/proc/sysrq-trigger";
    const Result result = run(kernel::Kernel(kernel::default_kernel()), request, {});
    EXPECT_THAT(result.failure, HasSubstr("run the command, before: Kernel panic"));
    EXPECT_FALSE(result.before.has_value());
}

TEST_F(BootTest, WhatIsNoModuleIsRefusedByTheKernel) {
    const TempDir folder("klp-test");
    write_file(folder.path() / "fake.ko", std::string_view("no module"));
    Request request;
    request.livepatches = {folder.path() / "fake.ko"};
    const Result result = run(kernel::Kernel(kernel::default_kernel()), request, {});
    EXPECT_THAT(result.failure, HasSubstr("load livepatch fake.ko: invalid module format"));
    EXPECT_FALSE(result.loaded);
}

}  // namespace
}  // namespace klp::guest
