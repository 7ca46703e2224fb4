// SPDX-License-Identifier: GPL-2.0-or-later
// Which record of ftrace is met for a function: tables made up so that the binary search goes here or there.
#include "kernel/ftrace_records.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace klp::kernel {
namespace {

using Found = std::optional<std::uint64_t>;

constexpr FtraceSizes four_in_page{64, 16, 5};

FtraceRecords records(const std::vector<std::uint64_t>& calls, const FtraceSizes& sizes = {}) {
    return {calls, calls.size(), sizes};
}

TEST(FtraceRecords, ARecordAtTheAddressIsTakenWhateverElseIsInTheRange) {
    const FtraceRecords table = records({0x100, 0x1f4, 0x304});
    EXPECT_EQ(table.location(0x100, 0x300), Found(0x100));
    // Any byte of the instruction.
    EXPECT_EQ(table.location(0x104, 0x300), Found(0x100));
    EXPECT_EQ(table.location(0x105, 0x1f4), std::nullopt);
}

TEST(FtraceRecords, TheOnlyOneOfTheRangeIsFound) {
    const FtraceRecords table = records({0x104, 0x304, 0x404, 0x504, 0x604});
    EXPECT_EQ(table.location(0x100, 0x300), Found(0x104));  // the first of the table
    EXPECT_EQ(table.location(0x400, 0x500), Found(0x404));
    EXPECT_EQ(table.location(0x600, 0x700), Found(0x604));  // the last
    EXPECT_EQ(table.location(0x200, 0x300), std::nullopt);
    EXPECT_EQ(table.location(0x610, 0x700), std::nullopt);
    EXPECT_EQ(table.location(0x10, 0x100), std::nullopt);
    // The end is where the next symbol begins.
    EXPECT_EQ(table.location(0x200, 0x304), std::nullopt);
    EXPECT_EQ(table.location(0x200, 0x305), Found(0x304));
}

TEST(FtraceRecords, OfSeveralItIsTheOneThatTheBinarySearchMeets) {
    EXPECT_EQ(records({0x104, 0x1f4}).location(0x100, 0x300), Found(0x1f4));
    EXPECT_EQ(records({0x004, 0x104, 0x1f4}).location(0x100, 0x300), Found(0x104));
    EXPECT_EQ(records({0x004, 0x104, 0x1f4, 0x304}).location(0x100, 0x300), Found(0x1f4));
    EXPECT_EQ(records({0x104, 0x1f4, 0x2f4}).location(0x100, 0x300), Found(0x1f4));
    // Behind the middle three of eight are left.
    EXPECT_EQ(records({0x04, 0x14, 0x24, 0x34, 0x44, 0x54, 0x104, 0x1f4}).location(0x100, 0x300), Found(0x104));
}

TEST(FtraceRecords, GroupsOfPagesAreSearchedOneAfterTheOther) {
    // Ten records fill three pages of four: the first group has two pages, the second one.
    const std::vector<std::uint64_t> calls = {0x004, 0x014, 0x024, 0x034, 0x044, 0x054, 0x064, 0x104, 0x1f4, 0x304};
    EXPECT_EQ(records(calls).location(0x100, 0x300), Found(0x1f4));
    EXPECT_EQ(records(calls, four_in_page).location(0x100, 0x300), Found(0x104));
    // What is alone in the second group is found there.
    EXPECT_EQ(records(calls, four_in_page).location(0x1f0, 0x300), Found(0x1f4));
    // Between the groups there is nothing.
    EXPECT_EQ(records(calls, four_in_page).location(0x110, 0x1f0), std::nullopt);
}

TEST(FtraceRecords, EmptyEntriesTakePartInTheCount) {
    const std::vector<std::uint64_t> calls = {0x004, 0x014, 0x024, 0x034, 0x044, 0x054, 0x064, 0x104, 0x1f4, 0x304};
    // 16 entries fill four pages, which are one group.
    EXPECT_EQ(FtraceRecords(calls, 16, four_in_page).location(0x100, 0x300), records(calls).location(0x100, 0x300));
    EXPECT_NE(FtraceRecords(calls, 16, four_in_page).location(0x100, 0x300),
              FtraceRecords(calls, 10, four_in_page).location(0x100, 0x300));
}

TEST(FtraceRecords, ARecordIsNotCutByTheEndOfAPage) {
    // Two records of 24 bytes in a page of 64, but five in a group of two: it is the group that is divided.
    const FtraceSizes odd{64, 24, 4};
    const std::vector<std::uint64_t> calls = {0x004, 0x014, 0x024, 0x034, 0x104, 0x1f4};
    // Six records: three pages, of which the first group has two, with room for five.
    EXPECT_EQ(records(calls, odd).location(0x100, 0x300), Found(0x104));
    EXPECT_EQ(records(calls, {64, 16, 4}).location(0x100, 0x300), Found(0x1f4));
}

TEST(FtraceRecords, FreedMemoryTakesItsRecordsAlong) {
    FtraceRecords table = records({0x004, 0x104, 0x1f4, 0x304});
    EXPECT_EQ(table.location(0x100, 0x300), Found(0x1f4));
    table.free(0x300, 0x400);
    EXPECT_EQ(table.location(0x300, 0x400), std::nullopt);
    EXPECT_EQ(table.location(0x100, 0x300), Found(0x104));  // the middle is another one now
    table.free(0x0, 0x300);
    EXPECT_TRUE(table.empty());
    EXPECT_EQ(table.location(0x100, 0x300), std::nullopt);
    table.free(0x0, 0x300);
}

TEST(FtraceRecords, NothingIsFoundInAnEmptyTable) {
    EXPECT_TRUE(records({}).empty());
    EXPECT_EQ(records({}).location(0, UINT64_MAX), std::nullopt);
    EXPECT_EQ(FtraceRecords().location(0x100, 0x100), std::nullopt);
}

TEST(Hook, IsTheFunctionsOwnOrNot) {
    EXPECT_EQ(Hook::of(std::nullopt, 0x104).where, Hook::Where::none);
    EXPECT_EQ(Hook::of(0x104, 0x104).where, Hook::Where::own);
    EXPECT_EQ(Hook::of(0x1f4, 0x104).where, Hook::Where::elsewhere);
    EXPECT_EQ(Hook::of(0x1f4, 0x104).address, 0x1f4U);
}

}  // namespace
}  // namespace klp::kernel
