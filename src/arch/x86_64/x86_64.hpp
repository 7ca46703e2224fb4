// SPDX-License-Identifier: GPL-2.0-or-later
// x86_64: the architecture, for the registry, and its parts, one file each.
#pragma once

#include <array>
#include <cstddef>

#include "arch/kernel_probe.hpp"
#include "arch/module_loading.hpp"
#include "arch/x86_64/features.hpp"

namespace klp::arch::x86_64 {

// Where indirect branches may land (CONFIG_X86_KERNEL_IBT).
inline constexpr std::array endbr64 = {std::byte{0xf3}, std::byte{0x0f}, std::byte{0x1e}, std::byte{0xfa}};

[[nodiscard]] const Arch& architecture();

[[nodiscard]] const ModuleLoading& module_loading() noexcept;
[[nodiscard]] const KernelProbe& kernel_probe() noexcept;
[[nodiscard]] std::span<const SpecialSection> special_sections() noexcept;
// The types of the psABI, those that kernel objects have; types.cpp.
[[nodiscard]] std::optional<RelocationInfo> relocation_info(std::uint32_t type) noexcept;
[[nodiscard]] std::unique_ptr<ModuleRelocator> relocator(ModuleImage& image, const Features& features);
void rewrite(RewriteCollector& collector);
void rewrite_for_object(RewriteCollector& collector, std::string_view object);
void find_faults(const FaultFinder& finder);  // throws CodeFault
// Bytes of a struct alt_instr, as the relocations of its table tell.
[[nodiscard]] std::uint64_t alternative_size(const RewriteCollector& collector, const ImageSection& table);

}  // namespace klp::arch::x86_64
