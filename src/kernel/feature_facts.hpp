// SPDX-License-Identifier: GPL-2.0-or-later
// The questions by which features of a kernel are probed, and the answers. Inside this library.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "kernel/features.hpp"

namespace klp::kernel {

// The value of a C expression. `headers`: comma-separated.
struct HeaderQuestion {
    std::string_view name;  // key in FeatureFacts::headers
    std::string_view arch;  // arch::Arch::name(); empty: of all
    std::string_view headers;
    std::string_view expression;
    bool may_fail = false;  // only some kernels have the structure, the member or the macro
};
[[nodiscard]] std::span<const HeaderQuestion> header_questions();

struct SymbolFact {
    std::uint64_t address = 0;
    char type = '?';  // as nm prints it
};

struct FeatureFacts {
    template <typename T>
    using Answers = std::map<std::string, T, std::less<>>;

    Answers<SymbolFact> symbols;  // those that the kernel has
    Answers<bool> texts;          // whether the image's data has the text
    // nullopt: the headers compile, but not with that expression. No key: it could not be asked.
    Answers<std::optional<std::uint64_t>> headers;
    // restore_r2() of arch/powerpc/kernel/module_64.c knows `ld r2,24(r1)`; only the source tells.
    std::optional<bool> source_accepts_restored_r2;
    std::optional<bool> source_sort_takes_two;  // __sort_r() of lib/sort.c takes two elements off its heap at a time
    std::optional<std::string> vermagic;
    std::optional<std::uint64_t> toc;          // .TOC. of the symbol table
    std::optional<std::string> headers_error;  // why the headers could not be asked

    [[nodiscard]] bool has_symbol(std::string_view name) const { return symbols.contains(name); }
    [[nodiscard]] bool has_text(std::string_view text) const;
    [[nodiscard]] std::optional<std::uint64_t> address_of(std::string_view symbol) const;
    [[nodiscard]] std::optional<std::uint64_t> header(std::string_view name) const;
    // Whether the expression compiles; nullopt: nobody knows.
    [[nodiscard]] std::optional<bool> is_defined(std::string_view name) const;
};

// Slow: reads all symbols and data of the image, runs the compiler.
[[nodiscard]] FeatureFacts ask(const Kernel& kernel);

[[nodiscard]] Features features_from(const FeatureFacts& facts, const Config& config, std::string_view arch);

// The kernel's own vermagic string (kernel/module/main.c), among its data: begins with the release, and has but the
// words of include/linux/vermagic.h. nullopt: none, or more than one.
[[nodiscard]] std::optional<std::string> find_vermagic(Bytes data, std::string_view release);

[[nodiscard]] std::string to_json(const FeatureFacts& facts);
[[nodiscard]] FeatureFacts facts_from_json(std::string_view text, const fs::path& where);  // Error: damaged

}  // namespace klp::kernel
