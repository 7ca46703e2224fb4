// SPDX-License-Identifier: GPL-2.0-or-later
// klp_patch, its klp_object and klp_func arrays, read back from a module's data and relocations.
#pragma once

#include <vector>

#include "format/livepatch.hpp"

namespace klp::format {

// The objects of the module's one klp_patch; empty where none, or more than one, can be told for certain.
[[nodiscard]] std::vector<PatchedObject> read_tables(const elf::Object& module);

}  // namespace klp::format
