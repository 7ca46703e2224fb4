// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/kernel_probe.hpp"

#include <fmt/format.h>

namespace klp::arch {

namespace {

template <typename T>
std::optional<T> answer(const FeatureFacts::Answers<T>& answers, std::string_view name) {
    std::optional<T> result;  // T may be optional itself
    if (const auto found = answers.find(name); found != answers.end()) result.emplace(found->second);
    return result;
}

}  // namespace

bool FeatureFacts::has_text(std::string_view text) const {
    return answer(texts, text).value_or(false);
}

std::optional<bool> FeatureFacts::source_says(std::string_view name) const {
    return answer(sources, name);
}

std::optional<std::uint64_t> FeatureFacts::address_of(std::string_view symbol) const {
    const auto found = answer(symbols, symbol);
    return found ? std::optional(found->address) : std::nullopt;
}

std::optional<std::uint64_t> FeatureFacts::image_symbol(std::string_view name) const {
    return answer(image_symbols, name);
}

std::optional<std::uint64_t> FeatureFacts::header(std::string_view name) const {
    return answer(headers, name).value_or(std::nullopt);
}

std::optional<bool> FeatureFacts::is_defined(std::string_view name) const {
    const auto found = answer(headers, name);
    return found ? std::optional(found->has_value()) : std::nullopt;
}

void derive_common(const Derivation& derivation, KernelFeatures& features) {
    features.dynamic_ftrace = derivation.enabled("CONFIG_DYNAMIC_FTRACE");
    features.jump_label = derivation.enabled("CONFIG_JUMP_LABEL");
    features.static_call_inline = derivation.enabled("CONFIG_HAVE_STATIC_CALL_INLINE");
    const FeatureFacts& facts = derivation.facts();
    const auto jump_size = facts.header("__jump_table");
    features.jump_label_relative =
        jump_size ? *jump_size == 16 : derivation.enabled("CONFIG_HAVE_ARCH_JUMP_LABEL_RELATIVE");
    features.exception_entry_size = static_cast<std::uint32_t>(facts.header("__ex_table").value_or(0));
    features.exception_handler = static_cast<std::uint32_t>(facts.header(exception_handler_question.name).value_or(0));
}

std::optional<HeapSort> heap_sort(const Derivation& derivation) {
    const auto takes_two = derivation.facts().source_says(heap_sort_question.name);
    if (!takes_two) return std::nullopt;
    return *takes_two ? HeapSort::takes_two : HeapSort::takes_one;
}

std::optional<std::uint64_t> page_size_by_option(const Derivation& derivation, std::string_view prefix) {
    for (const std::uint64_t kib : {4, 16, 64, 256})
        if (derivation.enabled(fmt::format("{}_{}K_PAGES", prefix, kib))) return kib * 1024;
    return std::nullopt;
}

}  // namespace klp::arch
