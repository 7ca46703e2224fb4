// SPDX-License-Identifier: GPL-2.0-or-later
// How it is found out what kernels of an architecture do: questions to a kernel's symbols, data, headers and source,
// and what follows from the answers. The kernel library asks and keeps the answers (kernel/features.hpp); no version
// number is looked at.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arch/kernel_features.hpp"
#include "arch/kernel_sort.hpp"

namespace klp::arch {

// The value of a C expression. `headers`: comma-separated.
struct HeaderQuestion {
    std::string_view name;  // key in FeatureFacts::headers
    std::string_view headers;
    std::string_view expression;
};

// Whether a file of the kernel's source has a text.
struct SourceQuestion {
    std::string_view name;  // key in FeatureFacts::sources
    std::string_view file;
    std::string_view text;
};

struct SymbolFact {
    std::uint64_t address = 0;
    char type = '?';  // as nm prints it
};

// Answers. No key: it was not or could not be asked.
struct FeatureFacts {
    template <typename T>
    using Answers = std::map<std::string, T, std::less<>>;

    Answers<SymbolFact> symbols;                    // those that the kernel has
    Answers<std::uint64_t> image_symbols;           // of the image's own symbol table, in one of its sections; values
    Answers<bool> texts;                            // whether the image's data has the text
    Answers<std::optional<std::uint64_t>> headers;  // nullopt: the headers have no such thing
    Answers<bool> sources;
    std::optional<std::string> vermagic;
    std::optional<std::string> headers_error;  // why the headers could not be asked

    [[nodiscard]] bool has_symbol(std::string_view name) const { return symbols.contains(name); }
    [[nodiscard]] bool has_text(std::string_view text) const;
    [[nodiscard]] std::optional<bool> source_says(std::string_view name) const;
    [[nodiscard]] std::optional<std::uint64_t> address_of(std::string_view symbol) const;
    [[nodiscard]] std::optional<std::uint64_t> image_symbol(std::string_view name) const;
    [[nodiscard]] std::optional<std::uint64_t> header(std::string_view name) const;
    // Whether the headers have it; nullopt: nobody knows.
    [[nodiscard]] std::optional<bool> is_defined(std::string_view name) const;
};

// A feature that nothing tells, and what was therefore not checked or how it was modelled.
struct UnknownFeature {
    std::string name;  // "ppc64.kernel_toc"
    std::string effect;
};

// Makes features of facts, and collects those that nothing tells.
class Derivation {
public:
    Derivation(const FeatureFacts& facts, std::function<bool(std::string_view)> option_is_set)
        : facts_(facts), option_is_set_(std::move(option_is_set)) {}

    [[nodiscard]] const FeatureFacts& facts() const noexcept { return facts_; }
    [[nodiscard]] bool enabled(std::string_view option) const { return option_is_set_(option); }

    // Leaves `feature` as it is where nothing tells.
    template <typename T, typename Value>
    void settle(T& feature, const std::optional<Value>& value, std::string_view name, std::string_view effect) {
        if (!value) {
            add_unknown(name, effect);
        } else if constexpr (requires { typename T::value_type; }) {
            feature = static_cast<typename T::value_type>(*value);
        } else {
            feature = static_cast<T>(*value);
        }
    }
    void add_unknown(std::string_view name, std::string_view effect) {
        unknown_.push_back({std::string(name), std::string(effect)});
    }
    [[nodiscard]] const std::vector<UnknownFeature>& unknown() const noexcept { return unknown_; }

private:
    const FeatureFacts& facts_;
    std::function<bool(std::string_view)> option_is_set_;
    std::vector<UnknownFeature> unknown_;
};

class KernelProbe {
public:
    virtual ~KernelProbe() = default;

    // What to ask, beyond the entry sizes of special sections, which are asked under the section's name.
    [[nodiscard]] virtual std::span<const HeaderQuestion> headers() const noexcept = 0;
    [[nodiscard]] virtual std::span<const std::string_view> symbols() const noexcept = 0;  // of kallsyms
    [[nodiscard]] virtual std::span<const std::string_view> image_symbols()
        const noexcept = 0;  // of the image's own table
    [[nodiscard]] virtual std::span<const std::string_view> texts() const noexcept = 0;
    [[nodiscard]] virtual std::span<const SourceQuestion> sources() const noexcept = 0;
    // What MODULE_ARCH_VERMAGIC may add to the vermagic string (arch/*/include/asm/vermagic.h).
    [[nodiscard]] virtual std::span<const std::string_view> vermagic_words() const noexcept = 0;

    [[nodiscard]] virtual std::shared_ptr<const KernelFeatures> derive(Derivation& derivation) const = 0;
    // Bytes.
    [[nodiscard]] virtual std::optional<std::uint64_t> page_size(const Derivation& derivation) const = 0;
    // Where the kernel begins to look for memory for modules, when it was not moved at boot.
    [[nodiscard]] virtual std::optional<std::uint64_t> module_area(const Derivation& derivation) const = 0;
};

// The members that all architectures have, for derive().
void derive_common(const Derivation& derivation, KernelFeatures& features);
// Of architectures that had one.
inline constexpr HeaderQuestion exception_handler_question{"exception_handler", "linux/stddef.h,linux/uaccess.h",
                                                           "offsetof(struct exception_table_entry, handler)"};
// How sort() of the kernel works, for those whose loader sorts: only the source tells.
inline constexpr SourceQuestion heap_sort_question{"sort_takes_two", "lib/sort.c", "> 3 * size"};
[[nodiscard]] std::optional<HeapSort> heap_sort(const Derivation& derivation);
// The page size by an option such as CONFIG_ARM64_16K_PAGES: `prefix` is "CONFIG_ARM64".
[[nodiscard]] std::optional<std::uint64_t> page_size_by_option(const Derivation& derivation, std::string_view prefix);

}  // namespace klp::arch
