// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace klp {

std::string time_left(std::size_t done, std::size_t all, double seconds) {
    constexpr double enough_to_estimate = 2;
    if (done == 0 || seconds < enough_to_estimate) return {};
    const double estimate = seconds * static_cast<double>(all - done) / static_cast<double>(done);
    return estimate < 120 ? fmt::format("{:.0f} s left", std::ceil(estimate))
                          : fmt::format("{:.0f} minutes left", std::ceil(estimate / 60));
}

Timings::Scope::Scope(Timings& timings, std::string_view name)
    : timings_(timings), start_(std::chrono::steady_clock::now()) {
    auto& stages = timings.stages_;
    const auto found =
        std::find_if(stages.begin(), stages.end(), [name](const Stage& stage) { return stage.name == name; });
    index_ = static_cast<std::size_t>(found - stages.begin());
    if (found == stages.end()) stages.push_back({std::string(name), 0});
}

Timings::Scope::~Scope() {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
    timings_.stages_[index_].seconds += elapsed.count();
}

std::string format_size(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 5> units{"kB", "MB", "GB", "TB", "PB"};
    if (bytes < 1000) return fmt::format("{} B", bytes);
    double value = static_cast<double>(bytes) / 1000;
    std::size_t unit = 0;
    // 999.95 would print as 1000.0.
    while (value >= 999.95 && unit + 1 < units.size()) {
        value /= 1000;
        ++unit;
    }
    return fmt::format("{:.1f} {}", value, units[unit]);
}

}  // namespace klp
