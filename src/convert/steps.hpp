// SPDX-License-Identifier: GPL-2.0-or-later
// The steps of convert() once it is known what each relocation means.
#pragma once

#include <set>
#include <string>
#include <unordered_map>

#include "convert/choose.hpp"

namespace klp::convert {

// By the address of the relocation in its ordinary section, which is not edited meanwhile.
using Decisions = std::unordered_map<const elf::Relocation*, Choice>;

// Findings on places that the livepatch core could not relocate in time, or at all: `convert.late-special`,
// `convert.static-key`, `convert.static-call`, `convert.replaced-code`, `convert.call`, `convert.place`,
// `convert.per-cpu`, `convert.early-data`, `convert.relocation-type`.
void check_places(const ConvertInput& input, const Decisions& decisions, Chooser& chooser, Diagnostics& diagnostics);

// Kernels 4.6 to 5.7: entries of special sections that belong to late code go to .klp.arch.OBJECT.SECTION. Finding:
// `convert.late-special` where an entry belongs to several objects.
void move_arch_entries(elf::Object& module, const Ownership& ownership, const arch::Arch& arch, Decisions& decisions,
                       Diagnostics& diagnostics);

// Names of the undefined symbols that relocations referred to before.
using ConvertedNames = std::set<std::string>;
[[nodiscard]] ConvertedNames converted_names(const Decisions& decisions);
// Without those that other relocations go on to import.
[[nodiscard]] ConvertedNames no_longer_imported(const elf::Object& module, ConvertedNames names);

// The sections and symbols of annotations, and what debug information says of them.
void remove_annotations(elf::Object& module, const Annotations& annotations, const ConvertedNames& converted);

// What modpost noted of symbols that are no longer imported: their versions, and modules that nothing else is needed
// of.
void remove_imports(elf::Object& module, const ConvertedNames& converted, const kernel::SymbolSource& symbols);

}  // namespace klp::convert
