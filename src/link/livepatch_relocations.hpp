// SPDX-License-Identifier: GPL-2.0-or-later
// Splits ordinary relocation sections: what the livepatch core is to apply goes into sections of its own.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "arch/arch.hpp"
#include "base/kernel_names.hpp"
#include "format/livepatch.hpp"

namespace klp::link {

struct LivepatchTarget {
    format::SymbolName symbol;
    std::string applied_with;  // the object whose loading applies it: "vmlinux", or a patched module
};

// nullopt: the relocation stays where it is.
using ChooseTarget = std::function<std::optional<LivepatchTarget>(const elf::Section&, const elf::Relocation&)>;

// For each relocation in an ordinary .rela.X that `choose` names a target for: moves it to .klp.rela.OBJECT.X and
// lets it refer to .klp.sym.…. Sections and symbols of those names that the module has already are used.
void split_relocations(elf::Object& module, const ChooseTarget& choose);

// What the kernel makes use of while it loads the module, before relocations of other objects can be applied
// (kernel/livepatch/core.c:klp_apply_section_relocs explains the order): tables of places to rewrite, and the
// code that is copied there.
[[nodiscard]] bool is_used_at_load(const elf::Section& section, const arch::Arch& arch);

}  // namespace klp::link
