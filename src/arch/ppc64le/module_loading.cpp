// SPDX-License-Identifier: GPL-2.0-or-later
// What the module loader of ppc64le kernels takes, beside what it writes.
#include <elf.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "arch/code_faults.hpp"
#include "arch/fixed_width.hpp"
#include "arch/ppc64le/ppc64le.hpp"
#include "arch/ppc64le/stubs.hpp"

namespace klp::arch::ppc64le {

namespace {

constexpr std::uint32_t branch_opcode = 18;
constexpr std::uint32_t link_bit = 1;
constexpr std::uint32_t abi_version_2 = 2;

// Modules have their own, which leave r2 alone (arch/powerpc/lib/crtsavres.S, linked into each).
bool saves_or_restores_registers(std::string_view name) {
    static constexpr std::array<std::string_view, 8> helpers = {"_savegpr0_", "_savegpr1_", "_restgpr0_", "_restgpr1_",
                                                                "_savefpr_",  "_restfpr_",  "_savevr_",   "_restvr_"};
    return std::ranges::any_of(helpers, [&](std::string_view each) { return name.starts_with(each); });
}

std::uint32_t word_or_zero(Bytes code, std::uint64_t at) {
    return at <= code.size() && code.size() - at >= word_size ? word_at(code, at) : 0;
}

// The global entry makes r2 of the function's address in r12: addis and addi, of which the linker may make lis and addi
// where addresses are known; or, in the large code model, ld and add. The local entry is behind that.
std::uint64_t distance_to_local_entry(Bytes code) {
    const std::uint32_t first = word_or_zero(code, 0);
    const std::uint32_t second = word_or_zero(code, word_size);
    const std::uint32_t high_half = first >> 16;
    const bool adds_halves = (high_half == 0x3c4c || high_half == 0x3c40) && second >> 16 == 0x3842;
    const bool loads = high_half == 0xe84c && second == 0x7c426214;
    return adds_halves || loads ? 2 * word_size : 0;
}

class Loading final : public ModuleLoading {
public:
    bool knows(std::uint32_t type) const noexcept override;
    bool relocates_zeros_alone() const noexcept override { return false; }
    std::unique_ptr<ModuleRelocator> relocator(ModuleImage& image, const KernelFeatures& features) const override {
        return ppc64le::relocator(image, features_as<Features>(features));
    }
    std::optional<std::string> call_problem(const elf::Section& code,
                                            const elf::Relocation& relocation) const override {
        // restore_r2(): needs nothing after calls of _mcount; else r2 has to be restored after a call that goes by a
        // stub, which needs a nop there.
        if (auto problem = tail_call_problem(code, relocation)) return problem;
        const std::string_view callee = relocation.symbol->name;
        if (relocation.type != R_PPC64_REL24 || callee == "_mcount" || saves_or_restores_registers(callee))
            return std::nullopt;
        const Bytes bytes = code.content();
        if (relocation.offset > bytes.size() || bytes.size() - relocation.offset < 8)
            return "the code ends with the call";
        const std::uint32_t call = word_at(bytes, relocation.offset);
        const std::uint32_t next = word_at(bytes, relocation.offset + word_size);
        const bool comes_back = call >> 26 == branch_opcode && (call & link_bit) != 0;
        if (!comes_back || next == nop) return std::nullopt;
        return fmt::format("expected a nop after the call, to restore r2, found 0x{:08x}", next);
    }
    // The stub changes r2 and keeps the old one in the frame of the caller, where that may have its own: the kernel
    // takes such a branch, and nobody sets r2 right when the other function returns in place of this one.
    std::optional<std::string> tail_call_problem(const elf::Section& code,
                                                 const elf::Relocation& relocation) const override {
        const bool is_branch = relocation.type == R_PPC64_REL24 || relocation.type == R_PPC64_REL14 ||
                               relocation.type == R_PPC64_REL14_BRTAKEN || relocation.type == R_PPC64_REL14_BRNTAKEN;
        const std::uint32_t word = word_or_zero(code.content(), relocation.offset);
        if (!is_branch || saves_or_restores_registers(relocation.symbol->name) || word == 0 || (word & link_bit) != 0)
            return std::nullopt;
        return "the branch does not come back (it is a tail call), so that nobody restores r2";
    }

    void rewrite(RewriteCollector& collector) const override { ppc64le::rewrite(collector); }
    void rewrite_for_object(RewriteCollector&, std::string_view) const override {}
    void find_faults(const FaultFinder& finder) const override { finder.jump_labels(); }
    FtraceSites ftrace_sites(const KernelFeatures& features) const override {
        const bool has_nops = features_as<Features>(features).patchable_entry;
        return {has_nops ? "__patchable_function_entries" : "__mcount_loc", 0, word_size, word_size, 24};
    }
    std::uint64_t distance_to_site(const KernelFeatures& features, Bytes code) const override {
        const std::uint64_t entry = distance_to_local_entry(code);
        if (features_as<Features>(features).patchable_entry) return entry;
        return entry + (word_or_zero(code, entry + word_size) == std_r0_16_r1 ? 2 : 1) * word_size;
    }
    // Where the call is out of line, the site itself becomes the branch there.
    std::uint64_t distance_to_call(const KernelFeatures& features, Bytes) const override {
        const auto& own = features_as<Features>(features);
        return own.patchable_entry && own.out_of_line_stub_size == 0 ? word_size : 0;
    }

    bool accepts_header_flags(std::uint32_t flags) const noexcept override {
        return (flags & EF_PPC64_ABI) == abi_version_2;
    }
    bool has_init_sections() const noexcept override { return false; }
    std::span<const std::string_view> undefined_symbols() const noexcept override {
        // dedotify(): the loader defines it.
        static constexpr std::array<std::string_view, 1> names = {".TOC."};
        return names;
    }
};

// arch/powerpc/kernel/module_64.c; elf.h lacks R_PPC64_ENTRY.
bool Loading::knows(std::uint32_t type) const noexcept {
    constexpr std::uint32_t r_ppc64_entry = 118;
    switch (type) {
        case R_PPC64_ADDR32:
        case R_PPC64_ADDR64:
        case R_PPC64_TOC:
        case R_PPC64_TOC16:
        case R_PPC64_TOC16_LO:
        case R_PPC64_TOC16_DS:
        case R_PPC64_TOC16_LO_DS:
        case R_PPC64_TOC16_HA:
        case R_PPC64_REL24:
        case R_PPC64_REL64:
        case R_PPC64_REL32:
        case R_PPC64_TOCSAVE:
        case r_ppc64_entry:
        case R_PPC64_REL16_HA:
        case R_PPC64_REL16_LO:
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

}  // namespace klp::arch::ppc64le
