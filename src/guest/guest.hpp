// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel booted in a small QEMU guest, with a livepatch put to work in it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/progress.hpp"
#include "kernel/kernel.hpp"

namespace klp::guest {

struct Request {
    std::vector<fs::path> livepatches;     // .ko files, loaded in this order
    std::vector<std::string> modules;      // loaded before, with what they depend on
    std::vector<std::string> late_modules; // loaded after the livepatches, before the second COMMAND
    std::string command;                   // for the guest's sh -c; empty: none
    std::vector<fs::path> files;           // copied into the guest's root folder
    std::chrono::seconds time_limit{120};
    std::string kernel_arguments;          // appended to the command line
};

struct Output {
    std::string stdout_text;  // standard output and standard error of the command
    int status = 0;
};

struct Result {
    bool loaded = false;
    bool transition_complete = false;
    bool unloaded = false;
    std::optional<Output> before, after, reverted;
    std::int64_t transition_ms = 0;  // from the write to `enabled` (or load) until transition reads 0
    std::string console;             // the kernel's console
    std::string failure;             // empty where all went well; else which step failed, and its message
    [[nodiscard]] bool ok() const noexcept { return failure.empty(); }
};

// Error: QEMU or a static busybox is missing, a module does not exist, the guest does not boot. A failed step
// in the guest is in Result::failure. QEMU is gone in every case when this returns or throws.
[[nodiscard]] Result run(const kernel::Kernel& kernel, const Request& request, const Progress& progress);

}  // namespace klp::guest
