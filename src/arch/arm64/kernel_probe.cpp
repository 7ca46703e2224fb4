// SPDX-License-Identifier: GPL-2.0-or-later
// How it is found out what arm64 kernels do.
#include <array>

#include "arch/arm64/arm64.hpp"
#include "arch/feature_json.hpp"

namespace klp::arch::arm64 {

namespace {

constexpr std::string_view prefixed_message = "Modules: module %s: unsupported RELA relocation";
constexpr std::string_view init_trampoline = ".init.text.ftrace_trampoline";

class Probe final : public KernelProbe {
public:
    std::span<const HeaderQuestion> headers() const noexcept override { return {}; }
    std::span<const std::string_view> symbols() const noexcept override {
        static constexpr std::array<std::string_view, 3> names = {"ftrace_caller", "ftrace_nop_ops", "_end"};
        return names;
    }
    std::span<const std::string_view> image_symbols() const noexcept override { return {}; }
    std::span<const std::string_view> texts() const noexcept override {
        static constexpr std::array texts = {prefixed_message, init_trampoline};
        return texts;
    }
    std::span<const SourceQuestion> sources() const noexcept override {
        static constexpr std::array questions = {heap_sort_question};
        return questions;
    }
    std::span<const std::string_view> vermagic_words() const noexcept override {
        static constexpr std::array<std::string_view, 1> words = {"aarch64"};
        return words;
    }

    std::shared_ptr<const KernelFeatures> derive(Derivation& derivation) const override;
    std::optional<std::uint64_t> page_size(const Derivation& derivation) const override {
        return page_size_by_option(derivation, "CONFIG_ARM64");
    }
    // 128 MiB up to the end of the kernel (arch/arm64/mm/init.c:module_init_limits).
    std::optional<std::uint64_t> module_area(const Derivation& derivation) const override {
        constexpr std::uint64_t size = 128 << 20, unit = 4096;
        const auto end = derivation.facts().address_of("_end");
        if (!end) return std::nullopt;
        return (*end - size) / unit * unit;
    }
};

std::shared_ptr<const KernelFeatures> Probe::derive(Derivation& derivation) const {
    const FeatureFacts& facts = derivation.facts();
    auto features = std::make_shared<Features>();
    derive_common(derivation, *features);
    if (derivation.enabled("CONFIG_ARM64_ERRATUM_843419")) {
        derivation.add_unknown(
            "arm64.erratum_843419",
            "the CPU decides whether ADRP is avoided at the end of pages: modelled as if it were not");
    }
    derivation.settle(features->sort, heap_sort(derivation), "arm64.sort",
                      "the order of PLT entries is modelled as since Linux 6.11");
    features->module_unload = derivation.enabled("CONFIG_MODULE_UNLOAD");
    if (features->dynamic_ftrace) {
        derivation.settle(features->ftrace_caller, facts.address_of("ftrace_caller"), "arm64.ftrace_caller",
                          "the trampoline of ftrace that each module has is not modelled");
    }
    features->init_ftrace_trampoline = facts.has_text(init_trampoline);
    features->message_prefix = facts.has_text(prefixed_message) ? "Modules: " : "";
    features->ftrace_call_ops = derivation.enabled("CONFIG_DYNAMIC_FTRACE_WITH_CALL_OPS");
    if (features->ftrace_call_ops) {
        derivation.settle(features->ftrace_nop_ops, facts.address_of("ftrace_nop_ops"), "arm64.ftrace_nop_ops",
                          "the pointer before each function that ftrace can hook is not modelled");
    }
    features->dynamic_scs = derivation.enabled("CONFIG_UNWIND_PATCH_PAC_INTO_SCS");
    return features;
}

}  // namespace

const KernelProbe& kernel_probe() noexcept {
    static const Probe instance;
    return instance;
}

Json Features::to_json() const {
    return {{"init_ftrace_trampoline", init_ftrace_trampoline},
            {"message_prefix", message_prefix},
            {"dynamic_scs", dynamic_scs},
            {"ftrace_call_ops", ftrace_call_ops},
            {"ftrace_caller", address_or_null(ftrace_caller)},
            {"ftrace_nop_ops", address_or_null(ftrace_nop_ops)}};
}

std::shared_ptr<const KernelFeatures> Features::with(const FeatureOverrides&) const {
    return std::make_shared<Features>(*this);
}

}  // namespace klp::arch::arm64
