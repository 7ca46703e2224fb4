// SPDX-License-Identifier: GPL-2.0-or-later
// How many bytes an entry of a special section has.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "arch/arch.hpp"

namespace klp::diff {

// By section name, as probed from the headers of a kernel.
using EntrySizes = std::vector<std::pair<std::string, std::uint32_t>>;

// What the architecture's table says; where kernels differ, what was probed; where that is missing, too, the smallest
// step at which every entry has a relocation of one type in its owner field. `relocations` are those of the section,
// by offset. Error: the section is no array of such entries.
[[nodiscard]] std::uint32_t entry_size_of(const arch::SpecialSection& table, const elf::Section& section,
                                          std::span<const elf::Relocation* const> relocations, const EntrySizes& probed,
                                          const Location& where);

}  // namespace klp::diff
