// SPDX-License-Identifier: GPL-2.0-or-later
// Reading a module's memory by address.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "loader/module.hpp"

namespace klp::loader {

// The loaded section that has the address.
[[nodiscard]] const arch::ImageSection* section_at(const Module& module, std::uint64_t address);
// From the address to the end of its section; empty where it is in none.
[[nodiscard]] Bytes section_from(const Module& module, std::uint64_t address);
// From the address to the end of what was allocated with it, as the kernel would read on; empty elsewhere.
[[nodiscard]] Bytes memory_from(const Module& module, std::uint64_t address);
// Error: no such memory, or a string without end.
[[nodiscard]] std::string_view string_at(const Module& module, std::uint64_t address);
// Error: no such memory.
[[nodiscard]] std::uint64_t word_at(const Module& module, std::uint64_t address);
// The first section of that name that is loaded; null where there is none.
[[nodiscard]] const arch::ImageSection* loaded_section(const Module& module, std::string_view name);

// Which is freed when the module's init function has returned.
[[nodiscard]] bool is_in_init_memory(const Module& module, std::uint64_t address);

}  // namespace klp::loader
