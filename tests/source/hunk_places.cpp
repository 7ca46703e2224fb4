// SPDX-License-Identifier: GPL-2.0-or-later
// Places of hunks, against a search that looks everywhere.
#include "source/hunks.hpp"

#include <gmock/gmock.h>

#include <random>

namespace klp::source {
namespace {

bool matches(const std::vector<Line>& file, const std::vector<std::string_view>& expected, std::int64_t at) {
    if (at < 0 || static_cast<std::size_t>(at) + expected.size() > file.size()) return false;
    for (std::size_t i = 0; i < expected.size(); ++i)
        if (file[static_cast<std::size_t>(at) + i].text != expected[i]) return false;
    return true;
}

Place nearest(const std::vector<Line>& file, const std::vector<std::string_view>& expected, std::int64_t wanted,
              std::int64_t begin) {
    const auto fits = [&](std::int64_t at) { return at >= begin && matches(file, expected, at); };
    if (fits(wanted)) return {static_cast<std::size_t>(wanted), false};
    for (std::int64_t distance = 1; !expected.empty() && distance < 100; ++distance) {
        if (fits(wanted + distance) && fits(wanted - distance)) return {{}, true};
        for (const std::int64_t at : {wanted + distance, wanted - distance})
            if (fits(at)) return {static_cast<std::size_t>(at), false};
    }
    return {};
}

TEST(LineFinder, FindsWhatASearchEverywhereFinds) {
    std::mt19937 random(1);
    const auto below = [&random](std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
    };
    std::size_t ties = 0, moved = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::vector<Line> file(below(20));
        const std::size_t letters = 1 + below(4);
        for (Line& line : file) line.text = std::string(1, static_cast<char>('a' + below(letters)));
        std::vector<std::string> texts(below(5));
        for (std::string& text : texts) text = std::string(1, static_cast<char>('a' + below(letters)));
        const std::vector<std::string_view> expected(texts.begin(), texts.end());
        LineFinder finder(file);
        for (int again = 0; again < 3; ++again) {
            const std::size_t wanted = below(25), begin = below(file.size() + 2);
            const Place found = finder.find(expected, wanted, begin);
            const Place right =
                nearest(file, expected, static_cast<std::int64_t>(wanted), static_cast<std::int64_t>(begin));
            ASSERT_EQ(found.at, right.at) << round;
            ASSERT_EQ(found.is_tie, right.is_tie) << round;
            ties += right.is_tie ? 1 : 0;
            moved += right.at && *right.at != wanted ? 1 : 0;
        }
    }
    EXPECT_GT(ties, 100U);
    EXPECT_GT(moved, 1000U);
}

}  // namespace
}  // namespace klp::source
