// SPDX-License-Identifier: GPL-2.0-or-later
// Where hunks fit in the lines of a file, and the file with them in it. All positions are indices of lines.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "source/patch.hpp"

namespace klp::source {

// A line that remembers where it stood in the unpatched file.
struct Line {
    std::string text;
    std::size_t original = 0;  // counts from 1; 0: the patches added it
};

// The lines that a hunk wants to find, or those that it leaves.
[[nodiscard]] std::vector<std::string_view> lines_before(const Hunk& hunk);
[[nodiscard]] std::vector<std::string_view> lines_after(const Hunk& hunk);

// Where the hunk's header says that it begins.
[[nodiscard]] std::size_t stated_place(const Hunk& hunk);

struct Place {
    std::optional<std::size_t> at;  // of the first line
    bool is_tie = false;            // two places are equally near
};

// Finds runs of lines in a file, which must outlive it and stay as it is.
class LineFinder {
public:
    explicit LineFinder(const std::vector<Line>& file) : file_(file) {}

    // The place nearest to `wanted`, not before `begin`. Without a line to recognise, `wanted` or none.
    [[nodiscard]] Place find(const std::vector<std::string_view>& expected, std::size_t wanted, std::size_t begin);

private:
    using Positions = std::vector<std::size_t>;

    [[nodiscard]] bool matches(const std::vector<std::string_view>& expected, std::size_t at) const;
    [[nodiscard]] Place find_nearest(const std::vector<std::string_view>& expected, std::size_t wanted,
                                     std::size_t begin);
    void make_index();

    const std::vector<Line>& file_;
    std::unordered_map<std::string_view, Positions> index_;  // by text; empty until it is needed
};

// `places` are those of the hunks, in order and apart from each other.
[[nodiscard]] std::vector<Line> with_hunks(std::vector<Line> file, const std::vector<Hunk>& hunks,
                                           const std::vector<std::size_t>& places);

}  // namespace klp::source
