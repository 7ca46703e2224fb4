// SPDX-License-Identifier: GPL-2.0-or-later
// What the module loader of x86_64 kernels takes, beside what it writes.
#include <elf.h>

#include <algorithm>
#include <array>

#include "arch/x86_64/x86_64.hpp"

namespace klp::arch::x86_64 {

namespace {

class Loading final : public ModuleLoading {
public:
    bool knows(std::uint32_t type) const noexcept override;
    bool relocates_zeros_alone() const noexcept override { return true; }
    std::unique_ptr<ModuleRelocator> relocator(ModuleImage& image, const KernelFeatures& features) const override {
        return x86_64::relocator(image, features_as<Features>(features));
    }
    std::optional<std::string> call_problem(const elf::Section&, const elf::Relocation&) const override {
        return std::nullopt;
    }
    std::optional<std::string> tail_call_problem(const elf::Section&, const elf::Relocation&) const override {
        return std::nullopt;
    }

    void rewrite(RewriteCollector& collector) const override { x86_64::rewrite(collector); }
    void rewrite_for_object(RewriteCollector& collector, std::string_view object) const override {
        x86_64::rewrite_for_object(collector, object);
    }
    void find_faults(const FaultFinder& finder) const override { x86_64::find_faults(finder); }
    FtraceSites ftrace_sites(const KernelFeatures&) const override {
        // `call __fentry__`, or the nop in its place.
        return {"__mcount_loc", 0, 5, 5};
    }
    std::uint64_t distance_to_site(const KernelFeatures&, Bytes code) const override {
        const bool has_pad = code.size() >= endbr64.size() && std::ranges::equal(code.first(endbr64.size()), endbr64);
        return has_pad ? endbr64.size() : 0;
    }
    std::uint64_t distance_to_call(const KernelFeatures&, Bytes) const override { return 0; }

    bool accepts_header_flags(std::uint32_t) const noexcept override { return true; }
    bool has_init_sections() const noexcept override { return true; }
    // Up to four bytes of a constant come behind the field.
    DistanceOrigin distance_origin() const noexcept override { return {4, 8}; }
    // VMALLOC_START with four levels of page tables; out of reach for all relocations of 32 bits in any case.
    std::uint64_t temporary_copy() const noexcept override { return 0xffffc90000000000; }
    std::span<const std::string_view> undefined_symbols() const noexcept override {
        // Older assemblers leave it in the symbol table, unreferenced.
        static constexpr std::array<std::string_view, 1> names = {"_GLOBAL_OFFSET_TABLE_"};
        return names;
    }
};

// arch/x86/kernel/module.c
bool Loading::knows(std::uint32_t type) const noexcept {
    switch (type) {
        case R_X86_64_NONE:
        case R_X86_64_64:
        case R_X86_64_32:
        case R_X86_64_32S:
        case R_X86_64_PC32:
        case R_X86_64_PLT32:
        case R_X86_64_PC64:
            return true;
        default:
            return false;
    }
}

}  // namespace

const ModuleLoading& module_loading() noexcept {
    static const Loading instance;
    return instance;
}

}  // namespace klp::arch::x86_64
