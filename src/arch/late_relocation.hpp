// SPDX-License-Identifier: GPL-2.0-or-later
// What stands in the way of applying a relocation of a module by the livepatch core, later than the module loader does.
#pragma once

#include <optional>
#include <string>

#include "arch/arch.hpp"

namespace klp::arch {

// Whether the entries of the table have the kernel copy other code over the code that they name, while it loads the
// module: what a later relocation finds at that place is no longer what was compiled.
[[nodiscard]] bool replaces_code(const SpecialSection& table) noexcept;

// Why a call cannot be of a symbol of another module; nullopt where it can, or where the relocation is no call.
// ppc64le: r2 has to be restored after a call that goes by a stub, which needs a nop there.
[[nodiscard]] std::optional<std::string> call_problem(const Arch& arch, const elf::Section& code,
                                                      const elf::Relocation& relocation);

// The tables that kernels with .klp.arch sections (4.6 to 5.7) take one for
// (arch/x86/kernel/livepatch.c:arch_klp_init_object_loaded), with the size of an entry then.
struct ArchSectionTable {
    std::string_view name;
    std::uint32_t entry_size = 0;
};
[[nodiscard]] std::span<const ArchSectionTable> arch_section_tables(const Arch& arch) noexcept;
[[nodiscard]] bool has_arch_section(const Arch& arch, std::string_view table) noexcept;

}  // namespace klp::arch
