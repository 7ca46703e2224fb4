// SPDX-License-Identifier: GPL-2.0-or-later
#include "resolve/originals.hpp"

#include <elf.h>

#include <algorithm>
#include <unordered_set>

namespace klp::resolve {

namespace {

bool is_at_start(const Piece& piece, const elf::Symbol& symbol) {
    return symbol.value == piece.range.begin;
}

}  // namespace

bool is_function(const Piece& piece) {
    return std::ranges::any_of(
        piece.symbols, [&](const elf::Symbol* symbol) { return is_at_start(piece, *symbol) && symbol->is_function(); });
}

bool has_size(const Piece& piece) {
    return std::ranges::any_of(
        piece.symbols, [&](const elf::Symbol* symbol) { return is_at_start(piece, *symbol) && symbol->size != 0; });
}

std::vector<std::string_view> names_at_start(const Piece& piece) {
    std::vector<const elf::Symbol*> symbols;
    for (const elf::Symbol* symbol : piece.symbols)
        if (is_at_start(piece, *symbol)) symbols.push_back(symbol);
    std::ranges::stable_sort(symbols, {}, &elf::Symbol::original_index);
    std::vector<std::string_view> names;
    for (const elf::Symbol* symbol : symbols) names.emplace_back(symbol->name);
    return names;
}

std::vector<std::string_view> names_inside(const Piece& piece) {
    std::vector<std::string_view> names;
    for (const elf::Symbol* symbol : piece.symbols)
        if (!is_at_start(piece, *symbol)) names.emplace_back(symbol->name);
    return names;
}

const void* identity(const Target& target) {
    if (target.kind == Target::Kind::undefined) return target.symbol;
    return target.piece != nullptr && target.piece->symbol() != nullptr ? target.piece : nullptr;
}

Originals::Originals(const diff::Decomposition& object) : object_(object) {
    std::unordered_set<const Piece*> seen;
    for (const auto& symbol : object.object().symbols()) {
        const Piece* piece = object.piece_of(*symbol);
        if (piece == nullptr) continue;
        if (seen.insert(piece).second) named_.push_back(piece);
        const bool is_weak = symbol->is_function() && symbol->binding == STB_WEAK;
        if (is_weak && is_at_start(*piece, *symbol)) weak_functions_.push_back(piece);
    }
}

std::uint64_t Originals::pointed_at(const Piece& holder, const Field& field) const {
    const elf::Symbol& symbol = *field.target.symbol;
    // A label: the addend may lead past the end of its string, so that only the label says which is meant.
    if (symbol.section->is_strings() && !symbol.is_section_symbol()) return symbol.value;
    return symbol.value + static_cast<std::uint64_t>(field.relocation->addend + object_.bias(field, holder));
}

Content Originals::content(const Piece& holder, const Field& field) const {
    const Target& target = field.target;
    const elf::Section& section = *target.section;
    if (target.kind == Target::Kind::literal)
        return {&section, target.anchor, diff::literal_at(section, target.anchor)};
    const std::uint64_t offset = pointed_at(holder, field);
    if (section.is_strings() || section.entry_size != 0) return {&section, offset, diff::literal_at(section, offset)};
    const Bytes all = section.content();
    std::uint64_t end = target.piece != nullptr ? target.piece->range.end : all.size();
    if (target.entry != nullptr) end = target.entry->range.end;
    if (offset >= std::min<std::uint64_t>(end, all.size())) return {&section, offset, {}};
    return {&section, offset, all.subspan(offset, end - offset)};
}

std::int64_t Originals::shift(const Piece& holder, const Field& field) const {
    const Target& target = field.target;
    const bool is_unnamed = target.kind == Target::Kind::elsewhere || target.kind == Target::Kind::entry ||
                            (target.kind == Target::Kind::piece && target.piece->symbol() == nullptr);
    if (!is_unnamed) return field.shift();
    return static_cast<std::int64_t>(pointed_at(holder, field) - target.symbol->value);
}

}  // namespace klp::resolve
