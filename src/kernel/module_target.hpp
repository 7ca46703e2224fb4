// SPDX-License-Identifier: GPL-2.0-or-later
// Which kernel a module was made for.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.hpp"

namespace klp::kernel {

struct ModuleTarget {
    std::string release;        // the first word of vermagic; empty: the module does not say it
    std::uint16_t machine = 0;  // EM_*
    bool has_versions = false;  // CRCs of what it imports: then the release is not compared (same_magic())
};

// From the file's headers and its .modinfo alone, so that it can be told of modules that are damaged elsewhere. All of
// it is 0 or empty where the bytes are no ELF file with such a section.
[[nodiscard]] ModuleTarget target_of_module(Bytes module);

}  // namespace klp::kernel
