// SPDX-License-Identifier: GPL-2.0-or-later
// Fields of instructions, for the relocators.
#pragma once

#include <concepts>
#include <cstdint>

namespace klp::arch {

// Whether `value`, as a signed number, fits in `bits` bits.
[[nodiscard]] constexpr bool fits_signed(std::uint64_t value, unsigned bits) noexcept {
    return bits >= 64 || value + (std::uint64_t{1} << (bits - 1)) < (std::uint64_t{1} << bits);
}

// `word` with the bits of `mask` taken from `value`.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T insert_bits(T word, T mask, std::uint64_t value) noexcept {
    return static_cast<T>((word & static_cast<T>(~mask)) | (static_cast<T>(value) & mask));
}

}  // namespace klp::arch
