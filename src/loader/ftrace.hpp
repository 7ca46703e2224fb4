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

    // ftrace_location() finds a site for the function. Where the image's table cannot be read (it is filled while the
    // kernel relocates itself), every function of vmlinux is taken to have one.
    [[nodiscard]] bool has_location(std::uint64_t function);
    // Whether that table can be read.
    [[nodiscard]] bool knows_vmlinux();

private:
    [[nodiscard]] const kernel::FtraceTable& vmlinux();

    const System& system_;
    std::optional<kernel::FtraceTable> vmlinux_;
};

}  // namespace klp::loader
