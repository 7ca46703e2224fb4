// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/outcome.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

namespace klp::guest {
namespace {

const std::vector<Step> steps{command_step("before"), load_livepatch_step("fix.ko"),
                              command_step("after"),  revert_step(),
                              unload_step(),          command_step("reverted")};

Record step(int number) {
    return {"step", {std::to_string(number)}, ""};
}

std::vector<Record> good_run() {
    return {step(0),        {"output", {"before", "0"}, "old\n"},
            step(1),        {"transition", {"41600"}, ""},
            step(2),        {"output", {"after", "3"}, "new\n"},
            step(3),        {"reverted", {}, ""},
            step(4),        {"unloaded", {}, ""},
            step(5),        {"output", {"reverted", "0"}, "old\n"},
            {"end", {}, ""}};
}

Result result_of(std::vector<Record> records, std::string console = "", Ending ending = {}) {
    return make_result({.records = std::move(records), .damage = {}, .rest = {}}, steps, 1, std::move(console), ending);
}

TEST(Outcome, AGoodRun) {
    const Result result = result_of(good_run());
    EXPECT_EQ(result.failure, "");
    EXPECT_TRUE(result.loaded && result.transition_complete && result.unloaded);
    EXPECT_EQ(result.before->stdout_text, "old\n");
    EXPECT_EQ(result.after->stdout_text, "new\n");
    EXPECT_EQ(result.after->status, 3);
    EXPECT_EQ(result.transition_ms, 42);
}

TEST(Outcome, EachLivepatchHasItsTransition) {
    const std::vector<Step> two{load_livepatch_step("one.ko"), load_livepatch_step("two.ko")};
    std::vector<Record> records{step(0), {"transition", {"1000"}, ""}, step(1)};
    const auto result = [&] {
        return make_result({.records = records, .damage = {}, .rest = {}}, two, two.size(), "", {});
    };
    EXPECT_FALSE(result().loaded);
    EXPECT_FALSE(result().transition_complete);
    EXPECT_FALSE(result().ok());
    records.push_back({"transition", {"2000"}, ""});
    records.push_back({"end", {}, ""});
    EXPECT_TRUE(result().loaded && result().transition_complete);
    EXPECT_EQ(result().transition_ms, 3);
    EXPECT_EQ(result().failure, "");
}

TEST(Outcome, AFailedStepSaysWhatTheKernelSaid) {
    const Result result = result_of(
        {step(0), {"output", {"before", "0"}, ""}, step(1), {"fail", {}, "invalid module format"}, {"end", {}, ""}},
        "[    1.0] klp: step 0: run\n[    1.1] earlier\n[    2.0] klp: step 1: load livepatch fix.ko\n"
        "[    2.1] fix: loading out-of-tree module taints kernel.\n"
        "[    2.2] fix: version magic '6' should be '7'\n"
        "[    2.3] fix: version magic '6' should be '7'\n[    2.3] klp: end\n[    2.4] reboot\n");
    EXPECT_EQ(result.failure,
              "load livepatch fix.ko: invalid module format\nkernel: fix: version magic '6' should be '7'");
    EXPECT_FALSE(result.loaded);
    EXPECT_TRUE(result.before.has_value());
    EXPECT_FALSE(result.after.has_value());
}

TEST(Outcome, APanicNamesTheStepAndTheFirstComplaint) {
    const Result result =
        result_of({step(1)},
                  "[ 2.0] klp: step 1: load\n[ 2.1] BUG: kernel NULL pointer dereference, address: 8\n"
                  "[ 2.2] Kernel panic - not syncing: Fatal exception\n");
    EXPECT_THAT(result.failure, StartsWith("load livepatch fix.ko: Kernel panic - not syncing: Fatal exception\n"));
    EXPECT_THAT(result.failure, HasSubstr("\nkernel: BUG: kernel NULL pointer dereference, address: 8"));
    EXPECT_THAT(result.warnings, ElementsAre("BUG: kernel NULL pointer dereference, address: 8"));
}

TEST(Outcome, AHangNamesTheStep) {
    const Result result = result_of({step(0)}, "", {.timed_out = true, .time_limit = std::chrono::seconds(7)});
    EXPECT_EQ(result.failure, "run the command, before: not done when the time limit of 7 s ended it");
    EXPECT_THAT(result_of({}, "", {.timed_out = true, .time_limit = {}}).failure, StartsWith("boot: not done"));
    EXPECT_THAT(result_of({}).failure, StartsWith("boot: the guest ended before"));
}

TEST(Outcome, AWarningDoesNotFailARun) {
    const Result result =
        result_of(good_run(), "[    2.0] WARNING: CPU: 0 PID: 1 at kernel/x.c:1 f+0x1\n[ 2.1] no WARNING: here\n");
    EXPECT_EQ(result.failure, "");
    EXPECT_THAT(result.warnings, ElementsAre("WARNING: CPU: 0 PID: 1 at kernel/x.c:1 f+0x1"));
}

TEST(Outcome, EveryRecordThatIsMissingIsNoticed) {
    const std::vector<Record> all = good_run();
    for (std::size_t left_out = 0; left_out < all.size(); ++left_out) {
        std::vector<Record> records = all;
        records.erase(records.begin() + static_cast<std::ptrdiff_t>(left_out));
        EXPECT_NE(result_of(records).failure, "") << all[left_out].key << " at " << left_out;
    }
}

TEST(Outcome, DamageAndNumbersOutOfRangeAreFailures) {
    const Result damaged =
        make_result({.records = good_run(), .damage = {"record 3: bad"}, .rest = {}}, steps, 1, "", {});
    EXPECT_THAT(damaged.failure, HasSubstr("the guest's report is damaged: record 3: bad"));
    EXPECT_THAT(result_of({step(99), {"fail", {}, "x"}, {"end", {}, ""}}).failure, "boot: x");
    EXPECT_THAT(result_of({step(-1), {"fail", {}, "x"}, {"end", {}, ""}}).failure, "boot: x");
}

TEST(Outcome, KernelMessagesOfATruncatedConsole) {
    EXPECT_THAT(kernel_messages("", 0), IsEmpty());
    EXPECT_THAT(kernel_messages("klp: step 0: x", 0), IsEmpty());
    EXPECT_THAT(kernel_messages("klp: step 0: x\nklp: end", 0), IsEmpty());
    EXPECT_THAT(kernel_messages("klp: step 0: x\n[  1.5] a\n[TEXT] b\nc", 0), ElementsAre("a", "[TEXT] b"));
}

}  // namespace
}  // namespace klp::guest
