// SPDX-License-Identifier: GPL-2.0-or-later
// s390x: the architecture, for the registry, and its parts, one file each.
#pragma once

#include "arch/kernel_probe.hpp"
#include "arch/module_loading.hpp"
#include "arch/s390x/features.hpp"

namespace klp::arch::s390x {

[[nodiscard]] const Arch& architecture();

[[nodiscard]] const ModuleLoading& module_loading() noexcept;
[[nodiscard]] const KernelProbe& kernel_probe() noexcept;
[[nodiscard]] std::span<const SpecialSection> special_sections() noexcept;
// The types of the psABI, those that kernel objects have; types.cpp.
[[nodiscard]] std::optional<RelocationInfo> relocation_info(std::uint32_t type) noexcept;
[[nodiscard]] std::unique_ptr<ModuleRelocator> relocator(ModuleImage& image, const Features& features);
void rewrite(RewriteCollector& collector);

}  // namespace klp::arch::s390x
