// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel booted in a small QEMU guest, with a livepatch put to work in it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.hpp"
#include "kernel/kernel.hpp"

namespace klp::guest {

struct Request {
    std::vector<fs::path> livepatches;  // .ko files (or .ko.xz and the like), loaded in this order
    // Names of the kernel's modules, or paths of .ko files (anything with a '/' or ending in .ko). A named module
    // comes after what it depends on; a file is taken alone.
    std::vector<std::string> modules;       // loaded before the first COMMAND
    std::vector<std::string> late_modules;  // loaded after the livepatches, before the second COMMAND; they stay
    std::string command;                    // for the guest's sh; empty: none
    std::vector<fs::path> files;            // copied into the guest's root folder
    // Of the whole guest; a transition gets half of it.
    std::chrono::seconds time_limit{120};
    std::string kernel_arguments;                      // appended to the command line
    std::function<void(std::string_view)> on_console;  // gets the console's text as it comes
};

struct Output {
    std::string stdout_text;  // standard output and standard error of the command
    int status = 0;
};

struct Result {
    bool loaded = false;               // all livepatches
    bool transition_complete = false;  // of all of them
    bool unloaded = false;             // all of them, after they were disabled
    std::optional<Output> before, after, reverted;
    // From before the module is loaded until its transition reads 0, summed over the livepatches.
    std::int64_t transition_ms = 0;
    std::string console;                // the kernel's console, from the first step on with all of its log
    std::vector<std::string> warnings;  // lines of it in which the kernel complains (WARNING, BUG)
    // A sentence for each function that the kernel says is patched, and that runs on as it was. Not looked at where the
    // guest has no tracefs.
    std::vector<std::string> not_replaced;
    std::string failure;  // empty where all went well; else which step failed, and its message
    [[nodiscard]] bool ok() const noexcept { return failure.empty(); }
};

// Error: QEMU or a static busybox is missing, a file or a module does not exist, QEMU does not start. What fails in
// the guest, its boot included, is in Result::failure. QEMU is gone in every case when this returns or throws.
// Whether a module is named as a file, not as one of the kernel's.
[[nodiscard]] bool is_module_file(const std::string& module);

[[nodiscard]] Result run(const kernel::Kernel& kernel, const Request& request, const Progress& progress);

}  // namespace klp::guest
