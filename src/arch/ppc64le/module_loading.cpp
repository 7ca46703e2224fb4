// SPDX-License-Identifier: GPL-2.0-or-later
// What the module loader of ppc64le kernels takes, beside what it writes.
#include <elf.h>

#include <array>

#include <fmt/format.h>

#include "arch/fixed_width.hpp"
#include "arch/ppc64le/ppc64le.hpp"
#include "arch/ppc64le/stubs.hpp"

namespace klp::arch::ppc64le {

namespace {

constexpr std::uint32_t branch_opcode = 18;
constexpr std::uint32_t link_bit = 1;
constexpr std::uint32_t abi_version_2 = 2;

class Loading final : public ModuleLoading {
public:
    bool knows(std::uint32_t type) const noexcept override;
    bool relocates_zeros_alone() const noexcept override { return false; }
    std::unique_ptr<ModuleRelocator> relocator(ModuleImage& image, const KernelFeatures& features) const override {
        return ppc64le::relocator(image, features_as<Features>(features));
    }
    std::optional<std::string> call_problem(const elf::Section& code,
                                            const elf::Relocation& relocation) const override {
        // restore_r2(): r2 has to be restored after a call that goes by a stub, which needs a nop there. Branches
        // without link do not come back.
        if (relocation.type != R_PPC64_REL24) return std::nullopt;
        const Bytes bytes = code.content();
        if (relocation.offset > bytes.size() || bytes.size() - relocation.offset < 8)
            return "the code ends with the call";
        const std::uint32_t call = word_at(bytes, relocation.offset);
        const std::uint32_t next = word_at(bytes, relocation.offset + word_size);
        const bool comes_back = call >> 26 == branch_opcode && (call & link_bit) != 0;
        if (!comes_back || next == nop) return std::nullopt;
        return fmt::format("expected a nop after the call, to restore r2, found 0x{:08x}", next);
    }

    void rewrite(RewriteCollector& collector) const override { ppc64le::rewrite(collector); }
    void rewrite_for_object(RewriteCollector&, std::string_view) const override {}
    FtraceSites ftrace_sites(const KernelFeatures& features) const override {
        const bool has_nops = features_as<Features>(features).patchable_entry;
        return {has_nops ? "__patchable_function_entries" : "__mcount_loc", 0, word_size};
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
