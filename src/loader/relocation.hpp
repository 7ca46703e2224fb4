// SPDX-License-Identifier: GPL-2.0-or-later
// Relocation sections applied and cleared, with what that does to the report.
#pragma once

#include <cstdint>
#include <string>

#include "loader/journal.hpp"
#include "loader/system.hpp"

namespace klp::loader {

// apply_relocate_add() of the architecture. `object`: for whose sake, of livepatch relocations. Throws Refused with the
// architecture's messages logged; Undefined for a store that faults or leads out of its section.
void apply_section(System& system, Module& module, std::uint32_t section, const std::string& object, Journal& journal);
// clear_relocate_add()
void clear_section(System& system, Module& module, std::uint32_t section, const std::string& object, Journal& journal);

// Throws Refused.
void refuse(const arch::Refusal& refusal, Journal& journal);

}  // namespace klp::loader
