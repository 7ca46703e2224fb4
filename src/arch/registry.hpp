// SPDX-License-Identifier: GPL-2.0-or-later
// The architectures, and which of them a name, an ELF machine or an object means.
//
// Checklist for a new architecture NAME. tests/arch/dummy-architecture.sh makes one by this list alone, and sees the
// compiler refuse it for each answer that is left out.
//
//  1. A folder src/arch/NAME with a namespace klp::arch::NAME. Its main file NAME.cpp opens with a description of the
//     ABI as the kernel uses it: how addresses are made, how calls go, how a function begins for ftrace, which special
//     sections there are.
//  2. An Identity (arch.hpp): how others call it. No column has a default.
//  3. A class derived from Arch (arch.hpp): relocation semantics, instructions, function entry.
//  4. The table of special sections (special_sections.hpp), one row a section. No column has a default.
//  5. A class derived from ModuleLoading (module_loading.hpp): what the kernel's module loader knows, refuses and
//     writes, and where ftrace sites are.
//  6. A class derived from ModuleRelocator (module_relocator.hpp): the bytes that apply_relocate_add() writes.
//  7. A struct derived from KernelFeatures and a class derived from KernelProbe (kernel_probe.hpp): what kernels of the
//     architecture do differently, by which questions that is found out, and where modules and pages are.
//  8. A function `const Arch& architecture()` in its namespace, and its row in registry.cpp.
// Then, outside of this folder: a row in the table of machines of src/guest/machine.cpp; for the tests a row in
// tests/support/machine_kernels.hpp, a small kernel (its options in tests/kernels/NAME.config, how it is made in
// scripts/test-kernel and build_modules of tests/small-kernel.sh, its name in scripts/test), and the cross tools in
// scripts/packages.
#pragma once

#include <span>

#include "arch/arch.hpp"

namespace klp::arch {

[[nodiscard]] std::span<const Arch* const> architectures();

// The architecture of an ELF machine or of a name: Arch::name(), or what uname -m says. Error: not supported.
[[nodiscard]] const Arch& for_machine(std::uint16_t machine, const Location& where);
[[nodiscard]] const Arch& for_name(std::string_view name);
// The same of an object, whose byte order and ABI have to be the architecture's, too: Linux on EM_PPC64 may be
// big-endian and ELFv1, which is not supported.
[[nodiscard]] const Arch& for_object(const elf::Object& object);

}  // namespace klp::arch
