// SPDX-License-Identifier: GPL-2.0-or-later
#include "convert/annotations.hpp"

#include <fmt/format.h>

namespace klp::convert {
namespace {

// struct klp_module_reloc, packed.
constexpr std::uint64_t entry_size = 12;
constexpr std::uint64_t position_field = 8;

std::string describe(const Annotation& annotation) {
    return fmt::format("symbol '{}' of '{}', position {}", annotation.meaning.symbol, annotation.meaning.object,
                       annotation.meaning.sympos);
}

bool same_meaning(const format::SymbolName& a, const format::SymbolName& b) {
    return a.object == b.object && a.symbol == b.symbol && a.sympos == b.sympos;
}

}  // namespace

// The rest of the name is that of a livepatch symbol behind its own prefix: OBJECT.SYMBOL,POSITION.
std::optional<Annotation> parse_annotated_name(std::string_view name) {
    if (!name.starts_with(annotated_symbol_prefix)) return std::nullopt;
    name.remove_prefix(annotated_symbol_prefix.size());
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos || dot == 0 || dot > format::longest_object_name) return std::nullopt;
    auto meaning = format::parse_symbol_name(fmt::format("{}{}", format::symbol_prefix, name.substr(dot + 1)));
    if (!meaning) return std::nullopt;
    return Annotation{std::move(*meaning), std::string(name.substr(0, dot))};
}

Annotations::Annotations(const elf::Object& module, Diagnostics& diagnostics)
    : module_(module), diagnostics_(diagnostics) {
    for (const auto& section : module.sections())
        if (section->name.starts_with(annotations_prefix) && !section->is_rela()) read_section(*section);
    for (const auto& symbol : module.symbols()) {
        const bool undefined = symbol->placement == elf::Placement::undefined;
        if (undefined && symbol->name.starts_with(annotated_symbol_prefix)) read_symbol(*symbol);
    }
}

const Annotation* Annotations::find(const elf::Symbol& symbol) const {
    const auto found = by_symbol_.find(&symbol);
    return found == by_symbol_.end() ? nullptr : found->second;
}

void Annotations::read_section(elf::Section& section) {
    sections_.push_back(&section);
    const Location where{module_.display_name(), section.name, {}};
    const std::uint64_t count = section.size() / entry_size;
    if (section.size() % entry_size != 0 || section.is_nobits() || section.rela().size() != count) {
        diagnostics_.error("convert.annotation", where,
                           fmt::format("{} bytes and {} relocations, expected one relocation for each {} bytes",
                                       section.size(), section.rela().size(), entry_size));
        return;
    }
    for (std::uint64_t i = 0; i < count; ++i) read_entry(section, i * entry_size, section.rela()[i]);
}

void Annotations::read_entry(const elf::Section& section, std::uint64_t offset, const elf::Relocation& relocation) {
    const Location where{module_.display_name(), section.name, offset};
    const elf::Symbol& symbol = *relocation.symbol;
    if (symbol.placement == elf::Placement::section) {
        diagnostics_.error("convert.annotation", where, "the entry names what is defined in the module itself");
        return;
    }
    if (relocation.offset != offset || relocation.addend != 0 || symbol.name.empty()) {
        diagnostics_.error("convert.annotation", where, "the entry names no symbol");
        return;
    }
    const auto position = load<std::uint32_t>(section.content().subspan(offset + position_field), module_.order());
    add(symbol, {{section.name.substr(annotations_prefix.size()), symbol.name, position}, {}, where});
}

void Annotations::read_symbol(const elf::Symbol& symbol) {
    const Location where{module_.display_name(), {}, {}};
    auto annotation = parse_annotated_name(symbol.name);
    if (!annotation) {
        diagnostics_
            .error("convert.annotation", where,
                   fmt::format("'{}' is not {}PATCHED_OBJECT.OBJECT.SYMBOL,POSITION", symbol.name,
                               annotated_symbol_prefix))
            .hint("use KLP_RELOC_SYMBOL or KLP_RELOC_SYMBOL_POS; names of modules have '_' for '-'");
        return;
    }
    annotation->where = where;
    add(symbol, std::move(*annotation));
}

void Annotations::add(const elf::Symbol& symbol, Annotation annotation) {
    const auto [entry, added] = by_symbol_.try_emplace(&symbol, nullptr);
    if (added) {
        entry->second = &all_.emplace_back(std::move(annotation));
    } else if (!same_meaning(entry->second->meaning, annotation.meaning)) {
        diagnostics_
            .error("convert.annotations-disagree", annotation.where,
                   fmt::format("two annotations of one symbol: {}, and {}", describe(*entry->second),
                               describe(annotation)))
            .note(fmt::format("the other is at {}", entry->second->where.text()))
            .hint("KLP_RELOC_SYMBOL_POS with a name of its own for each refers to several symbols of one name");
    }
}

}  // namespace klp::convert
