// SPDX-License-Identifier: GPL-2.0-or-later
// Which layout the entries of a special section have.
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

// A table as an object has it.
struct EntryTable {
    const arch::Arch& architecture;
    const arch::SpecialSection& table;
    const elf::Section& section;
    std::span<const elf::Relocation* const> relocations;  // of the section, by offset
};

// The one of the known layouts that the relocations fit: they lie in fields of their width alone, and the owner fields
// come at regular distances. Where a kernel was probed, its size alone is tried, whether a layout of it is known or
// not. The last entry may lack padding. Error: none fits, or several that the relocations cannot tell apart.
[[nodiscard]] arch::EntryLayout layout_of(const EntryTable& entries, const EntrySizes& probed, const Location& where);

}  // namespace klp::diff
