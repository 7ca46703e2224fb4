// SPDX-License-Identifier: GPL-2.0-or-later
// The data that says what is to be replaced: klp_patch with its klp_object and klp_func arrays
// (include/linux/livepatch.h), as an object for the linker.
#pragma once

#include "elf/object.hpp"
#include "kernel/struct_layout.hpp"
#include "link/names.hpp"

namespace klp::link {

// An object that defines `klp_patch` and refers to `__this_module` and to the replacements under their link
// names. `like` gives machine and byte order.
[[nodiscard]] elf::Object make_tables(const ModuleRequest& request, const LinkNames& names,
                                      const kernel::StructLayout& layout, const arch::Arch& arch,
                                      const elf::Object& like);

}  // namespace klp::link
