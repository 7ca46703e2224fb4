// SPDX-License-Identifier: GPL-2.0-or-later
// From what `ld -r` gives to a module that the kernel loads: livepatch symbols and relocations (which the
// linker would lose), versions of imported symbols, .modinfo, the module's name.
#pragma once

#include "elf/object.hpp"
#include "kernel/kernel.hpp"
#include "kernel/struct_layout.hpp"
#include "link/names.hpp"

namespace klp::link {

// Plain names for the definitions that had a link name, and local binding: a livepatch exports nothing.
void restore_definitions(elf::Object& module, const LinkNames& names);

// Splits what refers to livepatch symbols out of .rela.X into .klp.rela.OBJECT.X, and makes the .klp.sym symbols.
// Findings: `make.late-special`, `make.module-symbol`.
void make_livepatch_relocations(elf::Object& module, const LinkNames& names, const arch::Arch& arch,
                                Diagnostics& diagnostics);

// Removes what nothing refers to: undefined symbols, RELA sections left empty.
void remove_unused(elf::Object& module);

// __versions and import_ns for all undefined symbols. Findings: `make.unresolved`, `make.long-symbol`.
void add_imports(elf::Object& module, const kernel::Exports& exports, bool with_versions,
                 const kernel::StructLayout& layout, Diagnostics& diagnostics);

// In struct module and .modinfo.
void set_module_name(elf::Object& module, const std::string& name, const kernel::StructLayout& layout);

// Preconditions: as of ModuleRequest::modinfo.
void add_modinfo(elf::Object& module, const std::vector<std::pair<std::string, std::string>>& values);

// Finding: `make.duplicate-section` where a section that the kernel looks up by name is there twice.
void check_special_sections(const elf::Object& module, const arch::Arch& arch, Diagnostics& diagnostics);

}  // namespace klp::link
