// SPDX-License-Identifier: GPL-2.0-or-later
// How it is found out what s390x kernels do.
#include <array>

#include "arch/feature_json.hpp"
#include "arch/s390x/s390x.hpp"

namespace klp::arch::s390x {

namespace {

class Probe final : public KernelProbe {
public:
    std::span<const HeaderQuestion> headers() const noexcept override {
        static constexpr std::array questions = {exception_handler_question};
        return questions;
    }
    std::span<const std::string_view> symbols() const noexcept override { return {}; }
    std::span<const std::string_view> image_symbols() const noexcept override { return {}; }
    std::span<const std::string_view> texts() const noexcept override { return {}; }
    std::span<const SourceQuestion> sources() const noexcept override { return {}; }
    std::span<const std::string_view> vermagic_words() const noexcept override { return {}; }

    std::shared_ptr<const KernelFeatures> derive(Derivation& derivation) const override;
    std::optional<std::uint64_t> page_size(const Derivation&) const override { return 4096; }
    // MODULES_VADDR: 2 GiB under the last segment of three table levels (arch/s390/boot/startup.c).
    std::optional<std::uint64_t> module_area(const Derivation&) const override {
        constexpr std::uint64_t gib = 1 << 30;
        return 0x3fffff00000 - 2 * gib;
    }
};

std::shared_ptr<const KernelFeatures> Probe::derive(Derivation& derivation) const {
    auto features = std::make_shared<Features>();
    derive_common(derivation, *features);
    // Without CONFIG_EXPOLINE_OFF they are on, or (CONFIG_EXPOLINE_AUTO) left to the machine.
    features->expoline = derivation.enabled("CONFIG_EXPOLINE") && !derivation.enabled("CONFIG_EXPOLINE_OFF");
    if (derivation.enabled("CONFIG_EXPOLINE_AUTO")) {
        derivation.add_unknown("s390.expoline",
                               "the machine decides whether indirect branches go by way of thunks: modelled as if they "
                               "did");
    }
    features->zeroed_stack = derivation.enabled("CONFIG_INIT_STACK_ALL_ZERO");
    derivation.settle(features->alternative_size, derivation.facts().header(".altinstructions"),
                      "rewrites.s390_alternative_size",
                      "entries of .altinstructions are taken to have 11 bytes, as in Linux 6.1");
    return features;
}

}  // namespace

const KernelProbe& kernel_probe() noexcept {
    static const Probe instance;
    return instance;
}

Json Features::to_json() const {
    return {{"expoline", expoline}, {"zeroed_stack", zeroed_stack}, {"alternative_size", alternative_size}};
}

std::shared_ptr<const KernelFeatures> Features::with(const FeatureOverrides&) const {
    return std::make_shared<Features>(*this);
}

}  // namespace klp::arch::s390x
