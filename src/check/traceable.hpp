// SPDX-License-Identifier: GPL-2.0-or-later
// The functions of vmlinux that ftrace can hook: those with an entry between __start_mcount_loc and __stop_mcount_loc.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/kernel.hpp"

namespace klp::check {

class TraceableFunctions {
public:
    explicit TraceableFunctions(const kernel::Kernel& kernel);

    // False: the image does not tell (a table that is relocated at boot), and contains() means nothing.
    [[nodiscard]] bool known() const noexcept { return !places_.empty(); }
    // Whether a place of the function at `address` is listed (kernel/trace/ftrace.c:ftrace_location).
    [[nodiscard]] bool contains(std::uint64_t address) const;

private:
    const kernel::Kernel& kernel_;
    std::vector<std::uint64_t> places_;  // sorted
};

}  // namespace klp::check
