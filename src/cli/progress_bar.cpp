// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/progress_bar.hpp"

#include <fmt/format.h>

namespace klp::cli {

std::string bar_text(std::string_view what, std::size_t done, std::size_t all, double seconds) {
    constexpr std::size_t width = 20;
    const std::size_t filled = width * done / all;
    std::string left = time_left(done, all, seconds);
    if (!left.empty()) left.insert(0, ", ");
    return fmt::format("[{:#<{}}{:.<{}}] {} of {} {}{}", "", filled, "", width - filled, done, all, what, left);
}

std::string ProgressBar::step(std::string_view what, std::size_t done, std::size_t all) {
    const auto now = std::chrono::steady_clock::now();
    if (what_ != what) {
        what_ = what;
        began_ = now;
    }
    const bool was_shown = is_shown();
    if (done >= all) {
        what_.clear();
        hide();
        return was_shown ? std::string(clear_line) : std::string();
    }
    std::string text = bar_text(what, done, all, std::chrono::duration<double>(now - began_).count());
    if (text == shown_) return {};
    shown_ = std::move(text);
    return std::string(clear_line) + shown_;
}

}  // namespace klp::cli
