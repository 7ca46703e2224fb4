// SPDX-License-Identifier: GPL-2.0-or-later
// What the fields of pieces and entries refer to.
#include <elf.h>

#include <algorithm>

#include "diff/decomposition.hpp"

namespace klp::diff {

void Decomposition::make_fields() {
    for (const auto& section : object_.sections()) {
        SectionView& view = views_.at(section.get());
        view.fields.reserve(view.relocations.size());
        if (view.role == Role::special) {
            const arch::Range all{0, section->size()};
            for (const elf::Relocation* each : view.relocations) view.fields.push_back(field_of(*each, *section, all));
        }
        for (const Piece* piece : view.pieces) make_fields_of(*piece, view);
    }
}

// Behind the functions of its section, which branches get to without a relocation.
bool Decomposition::is_replacement_beside_code(const Piece& piece) const {
    return piece.role == Role::code_pool && role(*piece.section) != Role::code_pool &&
           !view(*piece.section).symbols.empty();
}

// Code that cannot be decoded is nobody's business until somebody asks for it.
void Decomposition::make_fields_of(const Piece& piece, SectionView& view) {
    std::vector<Field> fields;
    try {
        for (const elf::Relocation* each : relocations_in(view, piece.range))
            fields.push_back(field_of(*each, *piece.section, piece.range));
        const bool is_code = (piece.is_any_code() && !piece.symbols.empty()) || is_replacement_beside_code(piece);
        if (is_code && !piece.alone) add_implicit_references(piece, fields);
    } catch (const Error& error) {
        undecodable_.emplace(&piece, error);
        return;
    }
    view.fields.insert(view.fields.end(), fields.begin(), fields.end());
}

void Decomposition::add_implicit_references(const Piece& piece, std::vector<Field>& fields) {
    const auto implicit = arch_.implicit_references(*piece.section, piece.range);
    if (implicit.empty()) return;
    elf::Symbol& start = implicit_symbols_.emplace_back();
    start.placement = elf::Placement::section;
    start.section = view(*piece.section).symbols.front()->section;
    start.type = STT_SECTION;
    for (const arch::ImplicitReference& each : implicit) {
        const std::int64_t addend = static_cast<std::int64_t>(each.target) + each.addend;
        const elf::Relocation& relocation =
            implicit_relocations_.emplace_back(elf::Relocation{each.field, each.relocation_type, &start, addend});
        fields.push_back(field_of(relocation, *piece.section, piece.range));
    }
    std::ranges::stable_sort(fields, {}, &Field::offset);
}

Field Decomposition::field_of(const elf::Relocation& relocation, const elf::Section& section, arch::Range range) const {
    const auto info = arch_.relocation_info(relocation.type);
    return {&relocation, info ? info->size : std::uint8_t{0}, locate(relocation, section, range)};
}

Target Decomposition::locate(const elf::Relocation& relocation, const elf::Section& section, arch::Range range) const {
    const elf::Symbol& symbol = *relocation.symbol;
    Target target;
    target.symbol = &symbol;
    target.delta = relocation.addend;
    if (symbol.placement == elf::Placement::absolute || &symbol == object_.null_symbol()) {
        target.kind = Target::Kind::absolute;
        target.delta = wrapped_sum(target.delta, symbol.value);
        return target;
    }
    if (symbol.placement != elf::Placement::section) {
        target.kind = Target::Kind::undefined;
        return target;
    }
    target.section = symbol.section;
    const SectionView& there = view(*symbol.section);
    const bool is_literal = there.role == Role::literal;
    // The assembler refers to a literal through a section symbol only where nothing is added (gas/write.c:
    // adjust_reloc_syms), because the linker moves literals one by one.
    const bool is_clear =
        is_literal ? !symbol.is_section_symbol() : there.pieces.size() <= 1 || piece_of_.contains(&symbol);
    if (is_clear) return locate_in_section(target, symbol.value);
    const auto bias = static_cast<std::uint64_t>(arch_.addend_bias(section, range, relocation));
    const std::uint64_t place = symbol.value + bias + static_cast<std::uint64_t>(relocation.addend);
    const arch::SpecialSection* table = arch_.special_section(section.name);
    if (table != nullptr && table->may_precede() && !is_literal)
        target.piece = function_of_site(*symbol.section, place);
    return locate_in_section(target, place);
}

Target Decomposition::locate_in_section(Target target, std::uint64_t pointed_at) const {
    const elf::Symbol& symbol = *target.symbol;
    if (role(*target.section) == Role::literal) {
        const std::uint64_t unit = target.section->is_strings() ? 1 : target.section->entry_size;
        target.kind = Target::Kind::literal;
        target.anchor = pointed_at - pointed_at % unit;
        target.delta = wrapped_sum(target.delta, symbol.value - target.anchor);
        return target;
    }
    if (target.piece == nullptr) target.piece = piece_of(symbol);
    if (target.piece == nullptr) target.piece = piece_with_room_at(*target.section, pointed_at);
    if (target.piece == nullptr) return target;
    target.kind = Target::Kind::piece;
    target.delta = wrapped_sum(target.delta, symbol.value - target.piece->range.begin);
    return target;
}

Decomposition::Relocations Decomposition::relocations_in(const SectionView& view, arch::Range range) {
    const auto first = std::ranges::lower_bound(view.relocations, range.begin, {}, &elf::Relocation::offset);
    const auto last = std::ranges::lower_bound(first, view.relocations.end(), range.end, {}, &elf::Relocation::offset);
    return {first, last};
}

std::span<const Field> Decomposition::fields_in(const elf::Section& section, arch::Range range) const {
    const std::vector<Field>& all = view(section).fields;
    const auto first = std::ranges::lower_bound(all, range.begin, {}, &Field::offset);
    const auto last = std::ranges::lower_bound(first, all.end(), range.end, {}, &Field::offset);
    return {first, last};
}

std::span<const Field> Decomposition::fields(const Piece& piece) const {
    if (const auto found = undecodable_.find(&piece); found != undecodable_.end()) throw Error(found->second);
    return fields_in(*piece.section, piece.range);
}

std::span<const Field> Decomposition::fields(const SpecialEntry& entry) const {
    return fields_in(*entry.section, entry.range);
}

std::span<const Field> Decomposition::companion_fields(const SpecialEntry& entry) const {
    return fields_in(*entry.companion, entry.companion_range());
}

std::int64_t Decomposition::bias(const Field& field, const Piece& holder) const {
    return arch_.addend_bias(*holder.section, holder.range, *field.relocation);
}

}  // namespace klp::diff
