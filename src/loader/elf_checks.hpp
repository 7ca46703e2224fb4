// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel insists on before it believes a module's headers (kernel/module/main.c: elf_validity_check() and
// setup_load_info(), of later kernels elf_validity_cache_copy()).
#pragma once

#include "loader/features.hpp"
#include "loader/journal.hpp"
#include "loader/module.hpp"

namespace klp::loader {

// Reads the section headers into `module.file` and sets the indices and names. Throws Refused.
void check_elf(Module& module, const arch::Arch& arch, const Features& features, Journal& journal);

// kernel/module/main.c:find_sec, of the headers as they are in the file.
[[nodiscard]] std::uint32_t find_allocated(const ModuleFile& file, std::string_view name);

}  // namespace klp::loader
