// SPDX-License-Identifier: GPL-2.0-or-later
// What the module loader of arm64 kernels takes, beside what it writes.
#include <elf.h>

#include "arch/arm64/arm64.hpp"
#include "arch/arm64/instructions.hpp"
#include "arch/code_faults.hpp"
#include "arch/fixed_width.hpp"

namespace klp::arch::arm64 {

namespace {

std::uint64_t size_of_landing_pad(Bytes code) {
    return code.size() >= word_size && word_at(code, 0) == bti_c ? word_size : 0;
}

class Loading final : public ModuleLoading {
public:
    bool knows(std::uint32_t type) const noexcept override;
    bool relocates_zeros_alone() const noexcept override { return false; }
    std::unique_ptr<ModuleRelocator> relocator(ModuleImage& image, const KernelFeatures& features) const override {
        return arm64::relocator(image, features_as<Features>(features));
    }
    std::optional<std::string> call_problem(const elf::Section&, const elf::Relocation&) const override {
        return std::nullopt;
    }
    std::optional<std::string> tail_call_problem(const elf::Section&, const elf::Relocation&) const override {
        return std::nullopt;
    }

    void rewrite(RewriteCollector& collector) const override { arm64::rewrite(collector); }
    void rewrite_for_object(RewriteCollector&, std::string_view) const override {}
    void find_faults(const FaultFinder& finder) const override { finder.jump_labels(); }
    FtraceSites ftrace_sites(const KernelFeatures& features) const override {
        // The pointer to the ops of the site; bti; mov and bl.
        const bool has_pointer = features_as<Features>(features).ftrace_call_ops;
        return {"__patchable_function_entries", has_pointer ? 8U : 0U, has_pointer ? 8U + 4U + 8U : 8U, word_size};
    }
    std::uint64_t distance_to_site(const KernelFeatures& features, Bytes code) const override {
        return features_as<Features>(features).ftrace_call_ops ? 0 : size_of_landing_pad(code);
    }
    // The first nop keeps the link register.
    std::uint64_t distance_to_call(const KernelFeatures&, Bytes code) const override {
        return size_of_landing_pad(code) + word_size;
    }

    bool accepts_header_flags(std::uint32_t) const noexcept override { return true; }
    bool has_init_sections() const noexcept override { return true; }
    std::span<const std::string_view> undefined_symbols() const noexcept override { return {}; }
};

// arch/arm64/kernel/module.c
bool Loading::knows(std::uint32_t type) const noexcept {
    constexpr std::uint32_t r_aarch64_none_256 = 256;
    switch (type) {
        case R_AARCH64_NONE:
        case r_aarch64_none_256:
        case R_AARCH64_LD_PREL_LO19:
        case R_AARCH64_ADR_PREL_LO21:
        case R_AARCH64_ADR_PREL_PG_HI21:
        case R_AARCH64_ADR_PREL_PG_HI21_NC:
        case R_AARCH64_ADD_ABS_LO12_NC:
        case R_AARCH64_LDST8_ABS_LO12_NC:
        case R_AARCH64_LDST16_ABS_LO12_NC:
        case R_AARCH64_LDST32_ABS_LO12_NC:
        case R_AARCH64_LDST64_ABS_LO12_NC:
        case R_AARCH64_LDST128_ABS_LO12_NC:
        case R_AARCH64_TSTBR14:
        case R_AARCH64_CONDBR19:
        case R_AARCH64_JUMP26:
        case R_AARCH64_CALL26:
            return true;
        default: {
            const bool is_data = type >= R_AARCH64_ABS64 && type <= R_AARCH64_PREL16;
            const bool is_move_of_value = type >= R_AARCH64_MOVW_UABS_G0 && type <= R_AARCH64_MOVW_SABS_G2;
            const bool is_move_of_distance = type >= R_AARCH64_MOVW_PREL_G0 && type <= R_AARCH64_MOVW_PREL_G3;
            return is_data || is_move_of_value || is_move_of_distance;
        }
    }
}

}  // namespace

const ModuleLoading& module_loading() noexcept {
    static const Loading instance;
    return instance;
}

}  // namespace klp::arch::arm64
