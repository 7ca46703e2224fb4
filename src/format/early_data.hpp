// SPDX-License-Identifier: GPL-2.0-or-later
// Data of a module that the kernel may read as soon as the module is there, whatever code of the module runs: module
// parameters (which anybody reads in /sys), and the like. What is late there can be read before it is relocated.
#pragma once

#include <cstdint>
#include <map>

#include "elf/object.hpp"

namespace klp::format {

inline constexpr std::string_view per_cpu_section = ".data..percpu";

// Whether a section of that name is such a table of the kernel's own, in memory.
[[nodiscard]] bool is_early_table(const elf::Section& section);

class EarlyData {
public:
    // `module` must outlive it.
    explicit EarlyData(const elf::Object& module);

    // Whether the kernel comes to the place from its own tables, by pointers in data alone.
    [[nodiscard]] bool covers(const elf::Section& section, std::uint64_t offset) const;

private:
    using Ranges = std::map<std::uint64_t, std::uint64_t>;  // end by begin

    std::map<const elf::Section*, Ranges> ranges_;
};

}  // namespace klp::format
