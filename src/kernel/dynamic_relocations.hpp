// SPDX-License-Identifier: GPL-2.0-or-later
// Kernels that can be moved at boot are linked as position-independent executables: on s390x always, elsewhere with
// CONFIG_RELOCATABLE. What their pointers hold is said by .rela.dyn, and the place itself may be zero.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "elf/object.hpp"

namespace klp::kernel {

// The content of a section with its pointers filled in, as at the addresses of the link. nullopt: it has no such
// pointers.
[[nodiscard]] std::optional<std::vector<std::byte>> with_dynamic_relocations(const elf::Object& image,
                                                                             const elf::Section& section);

}  // namespace klp::kernel
