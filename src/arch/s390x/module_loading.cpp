// SPDX-License-Identifier: GPL-2.0-or-later
// What the module loader of s390x kernels takes, beside what it writes.
#include <elf.h>

#include "arch/code_faults.hpp"
#include "arch/s390x/s390x.hpp"

namespace klp::arch::s390x {

namespace {

class Loading final : public ModuleLoading {
public:
    bool knows(std::uint32_t type) const noexcept override;
    bool relocates_zeros_alone() const noexcept override { return false; }
    std::unique_ptr<ModuleRelocator> relocator(ModuleImage& image, const KernelFeatures& features) const override {
        return s390x::relocator(image, features_as<Features>(features));
    }
    std::optional<std::string> call_problem(const elf::Section&, const elf::Relocation&) const override {
        return std::nullopt;
    }
    std::optional<std::string> tail_call_problem(const elf::Section&, const elf::Relocation&) const override {
        return std::nullopt;
    }

    void rewrite(RewriteCollector& collector) const override { s390x::rewrite(collector); }
    void rewrite_for_object(RewriteCollector&, std::string_view) const override {}
    void find_faults(const FaultFinder& finder) const override { finder.jump_labels(); }
    FtraceSites ftrace_sites(const KernelFeatures&) const override {
        return {"__mcount_loc", 0, 6, 6};  // brcl
    }
    std::uint64_t distance_to_site(const KernelFeatures&, Bytes) const override { return 0; }
    std::uint64_t distance_to_call(const KernelFeatures&, Bytes) const override { return 0; }

    bool checks_elf_class() const noexcept override { return true; }
    bool accepts_header_flags(std::uint32_t) const noexcept override { return true; }
    bool has_init_sections() const noexcept override { return true; }
    DistanceOrigin distance_origin() const noexcept override { return {-2, -2}; }
    std::span<const std::string_view> undefined_symbols() const noexcept override { return {}; }
};

// arch/s390/kernel/module.c. COPY to RELATIVE are named there, and refused.
bool Loading::knows(std::uint32_t type) const noexcept {
    const bool is_refused = type >= R_390_COPY && type <= R_390_RELATIVE;
    const bool is_long_displacement = type >= R_390_20 && type <= R_390_GOTPLT20;
    return (type <= R_390_PLTOFF64 && !is_refused) || is_long_displacement;
}

}  // namespace

const ModuleLoading& module_loading() noexcept {
    static const Loading instance;
    return instance;
}

}  // namespace klp::arch::s390x
