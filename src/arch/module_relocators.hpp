// SPDX-License-Identifier: GPL-2.0-or-later
// The list of relocators, inside this library.
#pragma once

#include "arch/module_relocator.hpp"

namespace klp::arch {

[[nodiscard]] std::unique_ptr<ModuleRelocator> x86_64_relocator(ModuleImage& image, const X86Features& features);
[[nodiscard]] std::unique_ptr<ModuleRelocator> ppc64le_relocator(ModuleImage& image, const Ppc64Features& features);
[[nodiscard]] std::unique_ptr<ModuleRelocator> s390x_relocator(ModuleImage& image, const S390Features& features);
[[nodiscard]] std::unique_ptr<ModuleRelocator> arm64_relocator(ModuleImage& image, const Arm64Features& features);

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
