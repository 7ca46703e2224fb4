// SPDX-License-Identifier: GPL-2.0-or-later
// Where ftrace can hook functions (kernel/trace/ftrace.c), from the tables of call sites that the kernel and its
// modules carry.
#pragma once

#include <cstdint>
#include <optional>

#include "kernel/ftrace_table.hpp"
#include "loader/system.hpp"

namespace klp::loader {

class CallSites {
public:
    explicit CallSites(const System& system) : system_(system) {}

    // Of the function whose symbol lies there, with what ftrace_location() gives for it. Hook::Where::unknown where the
    // image's table cannot be read (it is filled while the kernel relocates itself).
    [[nodiscard]] kernel::Hook hook_of(std::uint64_t function);

private:
    const System& system_;
    std::optional<kernel::FtraceTable> vmlinux_;
};

}  // namespace klp::loader
