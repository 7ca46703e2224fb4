// SPDX-License-Identifier: GPL-2.0-or-later
// Where ftrace can hook functions (kernel/trace/ftrace.c), from the tables of call sites that the kernel and its
// modules carry.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "loader/system.hpp"

namespace klp::loader {

class CallSites {
public:
    explicit CallSites(const System& system) : system_(system) {}

    // ftrace_location() finds a site for the function. Where the image's table cannot be read (it is filled while the
    // kernel relocates itself), every function of vmlinux is taken to have one.
    [[nodiscard]] bool has_location(std::uint64_t function);

private:
    [[nodiscard]] const std::vector<std::uint64_t>* sites_of_vmlinux();
    [[nodiscard]] std::vector<std::uint64_t> read_vmlinux() const;
    [[nodiscard]] std::vector<std::uint64_t> sites_of(const Module& module) const;
    [[nodiscard]] std::uint64_t adjusted(std::uint64_t site) const;

    const System& system_;
    std::optional<std::vector<std::uint64_t>> vmlinux_;  // sorted
};

}  // namespace klp::loader
