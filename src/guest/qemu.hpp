// SPDX-License-Identifier: GPL-2.0-or-later
// One QEMU from start to end.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "guest/machine.hpp"

namespace klp::guest {

struct Boot {
    const Machine& machine;
    fs::path kernel;
    std::string initramfs;
    std::string kernel_arguments;
    std::chrono::seconds time_limit{0};
    std::function<void(std::string_view)> on_console;
};

struct Ports {
    std::string console;
    std::string report;  // the console's text where the machine has one port only
    bool timed_out = false;
};

// Error: QEMU is not installed, or refuses to start.
[[nodiscard]] Ports boot(const Boot& boot);

}  // namespace klp::guest
