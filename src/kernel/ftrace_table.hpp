// SPDX-License-Identifier: GPL-2.0-or-later
// The functions of vmlinux that ftrace can hook: those with a site in the image's table.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/ftrace_sites.hpp"
#include "kernel/kernel.hpp"

namespace klp::kernel {

class FtraceTable {
public:
    // `sites` are those of the kernel's features.
    FtraceTable(const Kernel& kernel, const arch::FtraceSites& sites);

    // False: the image does not tell (a table that is filled at boot), and has_site_in() means nothing.
    [[nodiscard]] bool known() const noexcept { return !sites_.empty(); }
    // Whether a site belongs to the code from `begin` to `end` (kernel/trace/ftrace.c:ftrace_location_range).
    [[nodiscard]] bool has_site_in(std::uint64_t begin, std::uint64_t end) const;

private:
    std::vector<std::uint64_t> sites_;  // sorted; any place in the function stands for it
};

// The same for the table of a module.
[[nodiscard]] bool has_site_in(const std::vector<std::uint64_t>& sorted_sites, std::uint64_t begin, std::uint64_t end);

// The addresses of a table, as places in the functions that they mean, sorted.
[[nodiscard]] std::vector<std::uint64_t> places_of_sites(Bytes table, ByteOrder order, const arch::FtraceSites& sites);

}  // namespace klp::kernel
