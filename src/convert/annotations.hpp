// SPDX-License-Identifier: GPL-2.0-or-later
// What the author of a livepatch says about symbols, with the macros of include/klpkit/livepatch.h:
//   section .klp.module_relocs.OBJECT: entries { u64 symbol; u32 sympos; }, the symbol by a relocation
//   undefined symbols .klp.sym.rela.PATCHED_OBJECT.OBJECT.SYMBOL,POSITION
// Both forms are those of the klp-convert that was posted for the kernel.
#pragma once

#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/diagnostics.hpp"
#include "elf/object.hpp"
#include "format/livepatch.hpp"

namespace klp::convert {

inline constexpr std::string_view annotations_prefix = ".klp.module_relocs.";
inline constexpr std::string_view annotated_symbol_prefix = ".klp.sym.rela.";

struct Annotation {
    format::SymbolName meaning;
    std::string patched_object{};  // of the reference; empty where the form does not say it
    Location where{};
    mutable bool used = false;
};

class Annotations {
public:
    // Findings: `convert.annotation` (malformed), `convert.annotations-disagree`.
    Annotations(const elf::Object& module, Diagnostics& diagnostics);

    // nullptr where there is none.
    [[nodiscard]] const Annotation* find(const elf::Symbol& symbol) const;
    [[nodiscard]] const std::deque<Annotation>& all() const noexcept { return all_; }
    [[nodiscard]] const std::vector<elf::Section*>& sections() const noexcept { return sections_; }

private:
    void read_section(elf::Section& section);
    void read_entry(const elf::Section& section, std::uint64_t offset, const elf::Relocation& relocation);
    void read_symbol(const elf::Symbol& symbol);
    void add(const elf::Symbol& symbol, Annotation annotation);

    const elf::Object& module_;
    Diagnostics& diagnostics_;
    std::deque<Annotation> all_;
    std::unordered_map<const elf::Symbol*, const Annotation*> by_symbol_;
    std::vector<elf::Section*> sections_;
};

// nullopt: not of the form.
[[nodiscard]] std::optional<Annotation> parse_annotated_name(std::string_view name);

}  // namespace klp::convert
