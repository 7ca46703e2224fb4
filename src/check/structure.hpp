// SPDX-License-Identifier: GPL-2.0-or-later
// The parts of check_structure(), one a file.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "arch/arch.hpp"
#include "check/structure_rules.hpp"
#include "format/livepatch.hpp"
#include "format/tables.hpp"

namespace klp::check {

struct Structure {
    const elf::Object& module;
    const arch::Arch& arch;
    std::vector<std::pair<std::string, std::string>> modinfo;
    format::Tables tables;
    RuleFindings& findings;
};

// structure_module.cpp
void check_modinfo(Structure& structure);
void check_module_name(Structure& structure);
void check_init(Structure& structure);
void check_other_forms(Structure& structure);
// structure_symbols.cpp
void check_symbols(Structure& structure);
// structure_sections.cpp
void check_sections(Structure& structure);
// structure_relocations.cpp
void check_relocations(Structure& structure);
void check_places(Structure& structure);
// structure_tables.cpp
void check_tables(Structure& structure);

// A section that the livepatch core takes for its own: by its flag, whatever its name.
[[nodiscard]] inline bool is_livepatch_section(const elf::Section& section) {
    return (section.flags & elf::shf_rela_livepatch) != 0;
}

}  // namespace klp::check
