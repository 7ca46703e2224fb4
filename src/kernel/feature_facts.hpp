// SPDX-License-Identifier: GPL-2.0-or-later
// The questions by which features of a kernel are probed, and the answers. Inside this library.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arch/kernel_probe.hpp"
#include "kernel/features.hpp"

namespace klp::kernel {

using arch::FeatureFacts;

// All that the headers of a kernel of this architecture are asked.
[[nodiscard]] std::vector<arch::HeaderQuestion> header_questions(const arch::Arch& arch);

// And what its source is asked.
[[nodiscard]] std::vector<arch::SourceQuestion> source_questions(const arch::Arch& arch);
inline constexpr arch::SourceQuestion kallsyms_question{"kallsyms_within_memory", "kernel/module/kallsyms.c",
                                                        "bestval = (unsigned long)mod_mem->base - 1"};
inline constexpr arch::SourceQuestion names_question{"checks_names_first", "kernel/livepatch/core.c",
                                                     "klp_check_patch("};

// Slow: reads all symbols and data of the image, runs the compiler.
[[nodiscard]] FeatureFacts ask(const Kernel& kernel);

[[nodiscard]] Features features_from(const FeatureFacts& facts, const Config& config, const arch::Arch& arch);

// The kernel's own vermagic string (kernel/module/main.c), among its data: begins with the release, and has but the
// words of include/linux/vermagic.h, and those of the architecture. nullopt: none, or more than one.
[[nodiscard]] std::optional<std::string> find_vermagic(Bytes data, std::string_view release,
                                                       std::span<const std::string_view> arch_words);

// For Kernel::features().
[[nodiscard]] Features probe_features(const Kernel& kernel);

[[nodiscard]] std::string to_json(const FeatureFacts& facts);
[[nodiscard]] FeatureFacts facts_from_json(std::string_view text, const fs::path& where);  // Error: damaged

}  // namespace klp::kernel
