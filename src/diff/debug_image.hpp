// SPDX-License-Identifier: GPL-2.0-or-later
// The debug information of a relocatable object, as libdw wants it: with its relocations applied, which libdw leaves to
// its caller.
#pragma once

#include <elfutils/libdw.h>

#include <vector>

#include "elf/object.hpp"

namespace klp::diff {

class DebugImage {
public:
    // Whether the object has debug information that is not compressed.
    [[nodiscard]] static bool is_in(const elf::Object& object);

    // Error: the debug information is damaged. Precondition: is_in().
    explicit DebugImage(const elf::Object& object);
    ~DebugImage();
    DebugImage(const DebugImage&) = delete;
    DebugImage& operator=(const DebugImage&) = delete;

    [[nodiscard]] Dwarf* dwarf() const noexcept { return dwarf_; }

private:
    std::vector<std::byte> bytes_;  // an ELF file with the sections that types are in
    Elf* elf_ = nullptr;
    Dwarf* dwarf_ = nullptr;
};

}  // namespace klp::diff
