// SPDX-License-Identifier: GPL-2.0-or-later
// What the architectures' files have in common when they read code.
#pragma once

#include "arch/arch.hpp"

namespace klp::arch {

[[nodiscard]] Location location_of(const elf::Section& section, std::uint64_t offset);

// The bytes of `function`. Error: not in the section.
[[nodiscard]] Bytes code_of(const elf::Section& section, Range function);

// Error: a branch at `offset` without a relocation goes to `target`, outside of the section.
void check_target(const elf::Section& section, std::uint64_t offset, std::uint64_t target);

// The relocation of exactly this offset; null where there is none.
[[nodiscard]] const elf::Relocation* relocation_at(const elf::Section& section, std::uint64_t offset);

// Whether some entry of a section of that name (there can be several) is the address of this place of `code`.
[[nodiscard]] bool is_listed_in(std::string_view section_name, const elf::Object& object, const elf::Section& code,
                                std::uint64_t offset);

// S, out of a field that holds S + A or S + A - P in the bits that `info` tells; nullopt for other formulas and for
// too few bytes.
[[nodiscard]] std::optional<std::uint64_t> read_target(const RelocationInfo& info, ByteOrder order, Bytes field,
                                                       std::uint64_t place, std::int64_t addend);

[[nodiscard]] constexpr std::int64_t sign_extend(std::uint64_t value, unsigned bits) noexcept {
    const unsigned unused = 64 - bits;
    return static_cast<std::int64_t>(value << unused) >> unused;
}

}  // namespace klp::arch
