// SPDX-License-Identifier: GPL-2.0-or-later
#include "resolve/pieces.hpp"

#include <elf.h>

#include <algorithm>

namespace klp::resolve {

namespace {

// Labels of the assembler (.LC0 for a constant, arm64's $d for data in code) name nothing that the kernel knows
// (include/linux/module_symbol.h:is_mapping_symbol).
bool names_a_piece(const elf::Symbol& symbol) {
    return symbol.placement == elf::Placement::section && symbol.section->is_alloc() && !symbol.is_section_symbol() &&
           !symbol.is_file() && !symbol.name.empty() && !symbol.name.starts_with(".L") && !symbol.name.starts_with('$');
}

// The sized piece that covers the offset; else the nearest before it, as of a pointer to the end of an array;
// else the nearest after it.
Piece* piece_for(const std::vector<Piece*>& pieces, std::uint64_t offset) {
    const auto after = std::ranges::upper_bound(pieces, offset, {}, &Piece::begin);
    for (auto it = after; it != pieces.begin();) {
        if ((*--it)->covers(offset)) return *it;
    }
    return after == pieces.begin() ? pieces.front() : *std::prev(after);
}

}  // namespace

std::string_view Referent::name() const {
    if (piece != nullptr) return piece->name();
    return symbol != nullptr ? std::string_view(symbol->name) : std::string_view();
}

const void* Referent::identity() const {
    return piece != nullptr ? static_cast<const void*>(piece) : symbol;
}

Bytes Piece::content() const {
    const Bytes all = section->content();
    if (begin > all.size() || size > all.size() - begin) return {};
    return all.subspan(begin, size);
}

Pieces::Pieces(const elf::Object& object, const arch::Arch& arch) : arch_(arch) {
    collect(object);
    for (Piece& piece : pieces_) add_fields(piece);
}

void Pieces::collect(const elf::Object& object) {
    std::map<std::pair<const elf::Section*, std::uint64_t>, Piece*> by_place;
    for (const auto& symbol : object.symbols()) {
        if (!names_a_piece(*symbol)) continue;
        Piece*& piece = by_place[{symbol->section, symbol->value}];
        if (piece == nullptr) {
            piece = &pieces_.emplace_back();
            piece->section = symbol->section;
            piece->begin = symbol->value;
            by_section_[symbol->section].push_back(piece);
        }
        piece->symbols.push_back(symbol.get());
        piece->size = std::max(piece->size, symbol->size);
        piece->is_function = piece->is_function || symbol->is_function();
        by_symbol_[symbol.get()] = piece;
        if (symbol->is_function() && symbol->binding == STB_WEAK) weak_functions_.push_back(piece);
    }
    for (auto& [section, pieces] : by_section_) {
        std::ranges::sort(pieces, {}, &Piece::begin);
        auto& relocations = relocations_[section];
        for (const elf::Relocation& relocation : section->rela()) relocations.push_back(&relocation);
        std::ranges::stable_sort(relocations, {}, &elf::Relocation::offset);
    }
}

void Pieces::add_fields(Piece& piece) {
    const auto& all = relocations_.at(piece.section);
    for (auto it = std::ranges::lower_bound(all, piece.begin, {}, &elf::Relocation::offset);
         it != all.end() && piece.covers((*it)->offset); ++it) {
        const elf::Relocation& relocation = **it;
        const auto info = arch_.relocation_info(relocation.type);
        if (info && info->size == 0) continue;
        const std::uint8_t size = info ? info->size : std::uint8_t{0};
        piece.fields.push_back({&relocation, relocation.offset - piece.begin, size, referent_of(piece, relocation)});
    }
}

// What the instruction adds to the addend; fields outside of instructions mean what they say.
std::int64_t Pieces::bias_of(const Piece& holder, const elf::Relocation& relocation) const {
    return arch_.addend_bias(*holder.section, {holder.begin, holder.begin + holder.size}, relocation);
}

Referent Pieces::referent_of(const Piece& holder, const elf::Relocation& relocation) const {
    const elf::Symbol& symbol = *relocation.symbol;
    if (symbol.placement == elf::Placement::undefined && !symbol.name.empty())
        return {.kind = Referent::Kind::undefined, .symbol = &symbol};
    if (symbol.placement != elf::Placement::section) return {};
    const elf::Section& section = *symbol.section;
    if (section.is_strings() && !symbol.is_section_symbol()) {
        // A label: the addend may lead past the end of its string, so that only the label says which is meant.
        return {.kind = Referent::Kind::content, .section = &section, .offset = symbol.value};
    }
    if (!section.is_strings()) {
        if (const Piece* named = of(symbol)) return {.kind = Referent::Kind::piece, .piece = named};
        const auto pieces = by_section_.find(&section);
        if (pieces != by_section_.end() && pieces->second.size() == 1) return referent_in(section, 0, symbol);
    }
    const std::int64_t reach = relocation.addend + bias_of(holder, relocation);
    return referent_in(section, symbol.value + static_cast<std::uint64_t>(reach), symbol);
}

Referent Pieces::referent_in(const elf::Section& section, std::uint64_t offset, const elf::Symbol& symbol) const {
    const auto pieces = by_section_.find(&section);
    if (section.is_strings() || pieces == by_section_.end()) {
        return {.kind = Referent::Kind::content,
                .section = &section,
                .offset = offset,
                .shift = static_cast<std::int64_t>(offset - symbol.value)};
    }
    const Piece* piece = piece_for(pieces->second, offset);
    return {
        .kind = Referent::Kind::piece, .piece = piece, .shift = static_cast<std::int64_t>(piece->begin - symbol.value)};
}

const Piece* Pieces::of(const elf::Symbol& symbol) const {
    const auto found = by_symbol_.find(&symbol);
    return found == by_symbol_.end() ? nullptr : found->second;
}

std::vector<std::string_view> Pieces::names_inside(const Piece& piece) const {
    std::vector<std::string_view> names;
    const auto& pieces = by_section_.at(piece.section);
    for (auto it = std::ranges::upper_bound(pieces, piece.begin, {}, &Piece::begin);
         it != pieces.end() && piece.covers((*it)->begin); ++it) {
        for (const elf::Symbol* symbol : (*it)->symbols) names.push_back(symbol->name);
    }
    return names;
}

}  // namespace klp::resolve
