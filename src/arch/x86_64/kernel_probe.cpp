// SPDX-License-Identifier: GPL-2.0-or-later
// How it is found out what x86-64 kernels do.
#include <array>

#include "arch/feature_json.hpp"
#include "arch/x86_64/x86_64.hpp"

namespace klp::arch::x86_64 {

namespace {

constexpr std::string_view index_message = "existing value is nonzero for sec %";

class Probe final : public KernelProbe {
public:
    std::span<const HeaderQuestion> headers() const noexcept override {
        static constexpr std::array questions = {
            HeaderQuestion{"orc_type_undefined", "asm/orc_types.h", "ORC_TYPE_UNDEFINED"},
            HeaderQuestion{"alternative_size", "linux/types.h,asm/alternative.h", "sizeof(struct alt_instr)"},
            HeaderQuestion{"cpu_features", "asm/cpufeature.h", "(NCAPINTS + NBUGINTS) * 32"},
            exception_handler_question};
        return questions;
    }
    std::span<const std::string_view> symbols() const noexcept override {
        static constexpr std::array<std::string_view, 3> names = {"clear_relocate_add", "alternatives_smp_module_add",
                                                                  "ideal_nops"};
        return names;
    }
    std::span<const std::string_view> image_symbols() const noexcept override { return {}; }
    std::span<const std::string_view> texts() const noexcept override {
        static constexpr std::array texts = {index_message};
        return texts;
    }
    std::span<const SourceQuestion> sources() const noexcept override { return {}; }
    std::span<const std::string_view> vermagic_words() const noexcept override { return {}; }

    std::shared_ptr<const KernelFeatures> derive(Derivation& derivation) const override;
    std::optional<std::uint64_t> page_size(const Derivation&) const override { return 4096; }
    // MODULES_VADDR: behind KERNEL_IMAGE_SIZE (arch/x86/include/asm/page_64_types.h).
    std::optional<std::uint64_t> module_area(const Derivation& derivation) const override {
        return derivation.enabled("CONFIG_RANDOMIZE_BASE") ? 0xffffffffc0000000 : 0xffffffffa0000000;
    }
};

std::shared_ptr<const KernelFeatures> Probe::derive(Derivation& derivation) const {
    const FeatureFacts& facts = derivation.facts();
    auto features = std::make_shared<Features>();
    derive_common(derivation, *features);
    // The livepatch core has a weak one of its own, for architectures that clear nothing.
    const auto clears = facts.symbols.find("clear_relocate_add");
    features->clear_relocate_add = clears != facts.symbols.end() && clears->second.type == 'T';
    features->messages_name_index = facts.has_text(index_message);
    features->smp_locks = facts.has_symbol("alternatives_smp_module_add");
    features->nops_by_cpu = facts.has_symbol("ideal_nops");
    features->cpu_features = facts.header("cpu_features");
    features->alternative_size = facts.header("alternative_size");
    const auto mitigates = [&](std::string_view name) {
        return derivation.enabled("CONFIG_" + std::string(name)) ||
               derivation.enabled("CONFIG_MITIGATION_" + std::string(name));
    };
    features->applies_retpolines = mitigates("RETPOLINE");
    features->applies_returns = mitigates("RETHUNK");
    features->seals_endbr = derivation.enabled("CONFIG_X86_KERNEL_IBT");
    derivation.settle(features->orc_terminator_by_type, facts.is_defined("orc_type_undefined"),
                      "rewrites.orc_terminator_by_type",
                      "the order of unwind entries for one address is modelled as before Linux 6.4");
    return features;
}

}  // namespace

const KernelProbe& kernel_probe() noexcept {
    static const Probe instance;
    return instance;
}

Json Features::to_json() const {
    return {{"alternative_size", alternative_size ? Json(*alternative_size) : Json()},
            {"applies_retpolines", applies_retpolines},
            {"applies_returns", applies_returns},
            {"clear_relocate_add", clear_relocate_add},
            {"cpu_features", cpu_features ? Json(*cpu_features) : Json()},
            {"messages_name_index", messages_name_index},
            {"nops_by_cpu", nops_by_cpu},
            {"orc_terminator_by_type", orc_terminator_by_type},
            {"seals_endbr", seals_endbr},
            {"smp_locks", smp_locks}};
}

std::shared_ptr<const KernelFeatures> Features::with(const FeatureOverrides& overrides) const {
    auto changed = std::make_shared<Features>(*this);
    if (overrides.clear_relocations) changed->clear_relocate_add = *overrides.clear_relocations;
    return changed;
}

}  // namespace klp::arch::x86_64
