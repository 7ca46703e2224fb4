// SPDX-License-Identifier: GPL-2.0-or-later
// How it is found out what ppc64le kernels do.
#include <array>

#include "arch/feature_json.hpp"
#include "arch/ppc64le/ppc64le.hpp"

namespace klp::arch::ppc64le {

namespace {

constexpr std::string_view old_nop_message = "Expect noop after relocate";
constexpr std::string_view nop_message = "Expected nop after call";

class Probe final : public KernelProbe {
public:
    std::span<const HeaderQuestion> headers() const noexcept override {
        static constexpr auto questions = std::to_array<HeaderQuestion>({
            {"paca_kernel_toc", "asm/paca.h", "offsetof(struct paca_struct, kernel_toc)"},
            {"paca_thread_info", "linux/sched.h,asm/paca.h",
             "offsetof(struct paca_struct, __current) + offsetof(struct task_struct, thread_info)"},
            {"livepatch_sp", "linux/thread_info.h", "offsetof(struct thread_info, livepatch_sp)"},
            {"module_stub_count", "linux/module.h", "offsetof(struct mod_arch_specific, stub_count)"},
            {"ftrace_ool_stub", "linux/ftrace.h", "sizeof(struct ftrace_ool_stub)"},
        });
        return questions;
    }
    std::span<const std::string_view> symbols() const noexcept override {
        static constexpr std::array<std::string_view, 2> names = {"ftrace_caller", "ftrace_regs_caller"};
        return names;
    }
    std::span<const std::string_view> image_symbols() const noexcept override {
        static constexpr std::array<std::string_view, 1> names = {".TOC."};
        return names;
    }
    std::span<const std::string_view> texts() const noexcept override {
        static constexpr std::array texts = {old_nop_message, nop_message};
        return texts;
    }
    std::span<const SourceQuestion> sources() const noexcept override {
        // restore_r2() knows `ld r2,24(r1)`.
        static constexpr std::array questions = {
            heap_sort_question,
            SourceQuestion{"accepts_restored_r2", "arch/powerpc/kernel/module_64.c", "== PPC_INST_LD_TOC"}};
        return questions;
    }
    std::span<const std::string_view> vermagic_words() const noexcept override {
        static constexpr std::array<std::string_view, 2> words = {"mprofile-kernel", "relocatable"};
        return words;
    }

    std::shared_ptr<const KernelFeatures> derive(Derivation& derivation) const override;
    std::optional<std::uint64_t> page_size(const Derivation& derivation) const override {
        return page_size_by_option(derivation, "CONFIG_PPC");
    }
    // VMALLOC_START (arch/powerpc/include/asm/book3s/64/hash-4k.h, hash-64k.h, radix.h).
    std::optional<std::uint64_t> module_area(const Derivation& derivation) const override {
        return derivation.enabled("CONFIG_PPC_64K_PAGES") ? 0xc008000000000000 : 0xc0003d0000000000;
    }
};

void derive_relocation(Derivation& derivation, Features& features) {
    const FeatureFacts& facts = derivation.facts();
    const auto counts_stubs = facts.is_defined("module_stub_count");
    derivation.settle(features.stubs_zero_terminated, counts_stubs ? std::optional(!*counts_stubs) : std::nullopt,
                      "ppc64.stubs_zero_terminated", "the size of .stubs is modelled as in Linux 6.1");
    derivation.settle(features.accepts_restored_r2, facts.source_says("accepts_restored_r2"),
                      "ppc64.accepts_restored_r2",
                      "a call behind which r2 is restored already is taken to be refused, as before Linux 6.10");
    derivation.settle(features.sort, heap_sort(derivation), "ppc64.sort",
                      "the order of relocations of one symbol, and of the stubs made for them, is modelled as before "
                      "Linux 6.11");
    if (facts.has_text(old_nop_message)) {
        features.nop_message = NopMessage::expect_noop_after_relocate;
    } else if (facts.has_text(nop_message)) {
        features.nop_message = NopMessage::expected_nop_after_call;
    } else {
        derivation.add_unknown("ppc64.nop_message", "the message for a call without a nop is that of Linux 6.1");
    }
}

// What only stubs need: where it is not known, and one is to be made, nobody can tell what the kernel writes.
void derive_addresses(Derivation& derivation, Features& features) {
    const FeatureFacts& facts = derivation.facts();
    const auto settle = [&](auto& feature, const auto& value, std::string_view name) {
        derivation.settle(feature, value, name,
                          "stubs that need it cannot be made: loading modules with them ends there");
    };
    settle(features.ftrace_caller, facts.address_of("ftrace_caller"), "ppc64.ftrace_caller");
    settle(features.ftrace_regs_caller, facts.address_of("ftrace_regs_caller"), "ppc64.ftrace_regs_caller");
    settle(features.kernel_toc, facts.image_symbol(".TOC."), "ppc64.kernel_toc");
    settle(features.paca_kernel_toc_offset, facts.header("paca_kernel_toc"), "ppc64.paca_kernel_toc_offset");
    settle(features.paca_thread_info_offset, facts.header("paca_thread_info"), "ppc64.paca_thread_info_offset");
    settle(features.livepatch_sp_offset, facts.header("livepatch_sp"), "ppc64.livepatch_sp_offset");
}

std::shared_ptr<const KernelFeatures> Probe::derive(Derivation& derivation) const {
    auto features = std::make_shared<Features>();
    derive_common(derivation, *features);
    derive_relocation(derivation, *features);
    features->dynamic_ftrace_with_regs = derivation.enabled("CONFIG_DYNAMIC_FTRACE_WITH_REGS");
    features->patchable_entry = derivation.enabled("CONFIG_ARCH_USING_PATCHABLE_FUNCTION_ENTRY");
    features->ftrace_stubs_use_kernel_toc = derivation.enabled("CONFIG_MPROFILE_KERNEL") || features->patchable_entry;
    if (derivation.enabled("CONFIG_PPC_FTRACE_OUT_OF_LINE")) {
        derivation.settle(features->out_of_line_stub_size, derivation.facts().header("ftrace_ool_stub"),
                          "ppc64.out_of_line_stub_size", "the room for stubs of ftrace in .stubs is not modelled");
    }
    derive_addresses(derivation, *features);
    return features;
}

}  // namespace

const KernelProbe& kernel_probe() noexcept {
    static const Probe instance;
    return instance;
}

Json Features::to_json() const {
    const bool old_message = nop_message == NopMessage::expect_noop_after_relocate;
    return {{"stubs_zero_terminated", stubs_zero_terminated},
            {"accepts_restored_r2", accepts_restored_r2},
            {"sort_takes_two", sort == HeapSort::takes_two},
            {"nop_message", old_message ? old_nop_message : ppc64le::nop_message},
            {"ftrace_stubs_use_kernel_toc", ftrace_stubs_use_kernel_toc},
            {"out_of_line_stub_size", out_of_line_stub_size},
            {"patchable_entry", patchable_entry},
            {"ftrace_caller", address_or_null(ftrace_caller)},
            {"ftrace_regs_caller", address_or_null(ftrace_regs_caller)},
            {"kernel_toc", address_or_null(kernel_toc)},
            {"paca_kernel_toc_offset", or_null(paca_kernel_toc_offset)},
            {"paca_thread_info_offset", or_null(paca_thread_info_offset)},
            {"livepatch_sp_offset", or_null(livepatch_sp_offset)}};
}

std::shared_ptr<const KernelFeatures> Features::with(const FeatureOverrides& overrides) const {
    auto changed = std::make_shared<Features>(*this);
    if (overrides.livepatch_stubs) changed->livepatch_stubs = *overrides.livepatch_stubs;
    return changed;
}

}  // namespace klp::arch::ppc64le
