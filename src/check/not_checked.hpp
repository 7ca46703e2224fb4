// SPDX-License-Identifier: GPL-2.0-or-later
// What a check did not look at. Each part of the check says what it leaves out, and why, where it does so.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace klp::check {

struct NotChecked {
    std::string what;
    std::string why;
};

class LeftOut {
public:
    void add(std::string what, std::string why) { all_.push_back({std::move(what), std::move(why)}); }
    void append(const LeftOut& other) { all_.insert(all_.end(), other.all_.begin(), other.all_.end()); }
    [[nodiscard]] const std::vector<NotChecked>& all() const noexcept { return all_; }

private:
    std::vector<NotChecked> all_;  // in the order of the check
};

}  // namespace klp::check
