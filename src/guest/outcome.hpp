// SPDX-License-Identifier: GPL-2.0-or-later
// What a guest's report, its console and its end say about the steps.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "guest/guest.hpp"
#include "guest/protocol.hpp"
#include "guest/script.hpp"

namespace klp::guest {

// How QEMU ended.
struct Ending {
    bool timed_out = false;
    std::chrono::seconds time_limit{0};
};

[[nodiscard]] Result make_result(const Transcript& transcript, const std::vector<Step>& steps, std::size_t livepatches,
                                 std::string console, const Ending& ending);

// The kernel's messages since a step began, without time stamps.
[[nodiscard]] std::vector<std::string> kernel_messages(std::string_view console, std::size_t step);

}  // namespace klp::guest
