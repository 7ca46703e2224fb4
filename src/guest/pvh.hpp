// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "base/bytes.hpp"

namespace klp::guest {

// Whether QEMU can start this vmlinux directly: it has the note XEN_ELFNOTE_PHYS32_ENTRY, which is also PVH's
// (kernel arch/x86/platform/pvh/head.S; include/xen/interface/elfnote.h). Error: no ELF file, or a truncated one.
[[nodiscard]] bool has_pvh_entry(Bytes vmlinux, const std::string& display_name);

}  // namespace klp::guest
