// SPDX-License-Identifier: GPL-2.0-or-later
// How far a long piece of work is, on one line of a terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace klp::cli {

// "[#####...............] 25 of 100 units compiled, 30 s left". `seconds`: since the first one was begun. `all` is not
// 0.
[[nodiscard]] std::string bar_text(std::string_view what, std::size_t done, std::size_t all, double seconds);

class ProgressBar {
public:
    // The text to show, with what takes the one before off the line; empty while the same is to be seen. At the end of
    // the work nothing is left on the line.
    [[nodiscard]] std::string step(std::string_view what, std::size_t done, std::size_t all);

    // Behind that, and until the next step, the line is to be cleared before anything else is printed.
    [[nodiscard]] bool is_shown() const { return !shown_.empty(); }
    void hide() { shown_.clear(); }

private:
    std::string what_;
    std::chrono::steady_clock::time_point began_;
    std::string shown_;
};

// Takes a bar off the terminal's line (ECMA-48: carriage return, erase in line).
constexpr std::string_view clear_line = "\r\x1b[K";

}  // namespace klp::cli
