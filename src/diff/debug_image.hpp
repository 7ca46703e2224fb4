// SPDX-License-Identifier: GPL-2.0-or-later
// The debug information of a relocatable object, as libdw wants it: with its relocations applied, which libdw leaves to
// its caller.
#pragma once

#include <elfutils/libdw.h>

#include <map>
#include <vector>

#include "elf/object.hpp"

namespace klp::diff {

// Where sections of an object are taken to be in memory.
using SectionAddresses = std::map<const elf::Section*, std::uint64_t>;

class DebugImage {
public:
    // Whether the object has debug information that is not compressed.
    [[nodiscard]] static bool is_in(const elf::Object& object);

    // Of types alone, or, with addresses, also of lines and ranges of code, which are then those in memory. Error: the
    // debug information is damaged. Precondition: is_in().
    explicit DebugImage(const elf::Object& object, const SectionAddresses* addresses = nullptr);
    ~DebugImage();
    DebugImage(const DebugImage&) = delete;
    DebugImage& operator=(const DebugImage&) = delete;

    [[nodiscard]] Dwarf* dwarf() const noexcept { return dwarf_; }
    [[nodiscard]] bool is_big_endian() const noexcept { return is_big_endian_; }

private:
    std::vector<std::byte> bytes_;  // an ELF file with the sections that types are in
    bool is_big_endian_;
    Elf* elf_ = nullptr;
    Dwarf* dwarf_ = nullptr;
};

}  // namespace klp::diff
