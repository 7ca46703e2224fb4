// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/kernel_sort.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace klp::arch::kernel_sort_test {
namespace {

// The places (a, b, …) that the elements with these keys had before they were sorted.
std::string sorted(std::string_view keys, HeapSort kind) {
    std::vector<std::pair<char, char>> all;
    for (std::size_t i = 0; i < keys.size(); ++i) all.emplace_back(keys[i], static_cast<char>('a' + i));
    kernel_sort(
        std::span(all), [](const auto& a, const auto& b) { return a.first - b.first; }, kind);
    EXPECT_TRUE(std::ranges::is_sorted(all, {}, [](const auto& each) { return each.first; }));
    std::string places;
    for (const auto& each : all) places += each.second;
    return places;
}

// What lib/sort.c of 6.1 and of 7.3 makes of the same elements.
TEST(KernelSort, LeavesEqualElementsWhereTheKernelDoes) {
    EXPECT_EQ(sorted("1", HeapSort::takes_one), "a");
    EXPECT_EQ(sorted("1", HeapSort::takes_two), "a");
    EXPECT_EQ(sorted("11", HeapSort::takes_one), "ba");
    EXPECT_EQ(sorted("11", HeapSort::takes_two), "ba");
    EXPECT_EQ(sorted("111", HeapSort::takes_one), "bca");
    EXPECT_EQ(sorted("111", HeapSort::takes_two), "cba");
    EXPECT_EQ(sorted("1111", HeapSort::takes_one), "bcda");
    EXPECT_EQ(sorted("1111", HeapSort::takes_two), "bdca");
    EXPECT_EQ(sorted("2111212", HeapSort::takes_one), "cfdbgea");
    EXPECT_EQ(sorted("2111212", HeapSort::takes_two), "dcbfega");
    EXPECT_EQ(sorted("1231231231", HeapSort::takes_one), "jdagehbfci");
    EXPECT_EQ(sorted("1231231231", HeapSort::takes_two), "jgdabheifc");
}

TEST(KernelSort, SortsAnyNumberOfElements) {
    for (const HeapSort kind : {HeapSort::takes_one, HeapSort::takes_two}) {
        for (std::size_t size = 0; size < 30; ++size) {
            std::string keys;
            for (std::size_t i = 0; i < size; ++i) keys += static_cast<char>('a' + i * 7 % 11);
            EXPECT_EQ(sorted(keys, kind).size(), size);
        }
    }
}

}  // namespace
}  // namespace klp::arch::kernel_sort_test
