// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/unit.hpp"

#include <elf.h>

#include <algorithm>

#include "diff/names.hpp"

namespace klp::diff {

std::string_view Piece::name() const noexcept {
    return symbols.empty() ? std::string_view{} : std::string_view(symbols.front()->name);
}

std::string_view Piece::label() const noexcept {
    return symbols.empty() ? std::string_view(section->name) : name();
}

bool Piece::is_local() const noexcept {
    return std::ranges::all_of(symbols, [](const elf::Symbol* each) { return each->is_local(); });
}

bool Piece::is_numbered() const noexcept {
    return is_local() && base != name();
}

bool Piece::is_any_code() const noexcept {
    return role == Role::code || role == Role::init_code || role == Role::exit_code;
}

bool Piece::has_identity() const noexcept {
    if (role == Role::code_pool) return false;
    if (role == Role::constant) return symbol() != nullptr && !(is_local() && is_nameless_constant(base));
    if (role == Role::data) return !(range.size() == 0 && is_local());
    return true;
}

void Piece::mark_changed(std::string why) {
    if (changed) return;
    changed = true;
    reason = std::move(why);
}

Unit::Unit(const elf::Object& object, const arch::Arch& architecture, const Options& options)
    : object_(object), arch_(architecture) {
    view_sections();
    for (const auto& section : object_.sections()) make_pieces(*section, views_.at(section.get()));
    make_pool_pieces();
    join_cold_parts();
    attach_entries(options);
}

Piece* Unit::piece_of(const elf::Symbol& symbol) const {
    const auto found = piece_of_.find(&symbol);
    return found == piece_of_.end() ? nullptr : found->second;
}

Piece* Unit::piece_at(const elf::Section& section, std::uint64_t offset) const {
    const auto& pieces = view(section).pieces;
    if (pieces.size() == 1) return pieces.front();
    auto after = std::ranges::upper_bound(pieces, offset, {}, [](const Piece* piece) { return piece->range.begin; });
    // Objects without a size share their place with what comes next.
    while (after != pieces.begin()) {
        Piece* candidate = *--after;
        if (candidate->range.size() > 0) return candidate;
    }
    return nullptr;
}

Role Unit::role(const elf::Section& section) const {
    return view(section).role;
}

std::span<const elf::Relocation> Unit::relocations(const elf::Section& section, arch::Range range) const {
    const std::span<const elf::Relocation> all = view(section).relocations;
    const auto first = std::ranges::lower_bound(all, range.begin, {}, &elf::Relocation::offset);
    const auto last = std::ranges::lower_bound(all, range.end, {}, &elf::Relocation::offset);
    return {first, last};
}

std::span<const elf::Relocation> Unit::relocations(const Piece& piece) const {
    const auto plain = relocations(*piece.section, piece.range);
    if (!piece.is_any_code() || piece.alone || piece.symbols.empty()) return plain;
    const auto [cached, is_new] = shared_code_relocations_.try_emplace(&piece);
    if (!is_new) return cached->second;
    auto& result = cached->second;
    result.assign(plain.begin(), plain.end());
    elf::Symbol& start = implicit_symbols_.emplace_back();
    start.placement = elf::Placement::section;
    start.section = piece.symbols.front()->section;
    start.type = STT_SECTION;
    for (const arch::ImplicitReference& each : arch_.implicit_references(*piece.section, piece.range)) {
        const std::int64_t addend = static_cast<std::int64_t>(each.target) + each.addend;
        result.push_back({each.field, each.relocation_type, &start, addend});
    }
    std::ranges::stable_sort(result, {}, &elf::Relocation::offset);
    return result;
}

std::int64_t Unit::bias(const elf::Relocation& relocation, const elf::Section& section, arch::Range range) const {
    return arch_.addend_bias(section, range, relocation);
}

Target Unit::locate(const elf::Relocation& relocation, const elf::Section& section, arch::Range range) const {
    const elf::Symbol& symbol = *relocation.symbol;
    Target target;
    target.symbol = &symbol;
    target.delta = relocation.addend;
    if (symbol.placement == elf::Placement::absolute || &symbol == object_.null_symbol()) {
        target.kind = Target::Kind::absolute;
        target.delta += static_cast<std::int64_t>(symbol.value);
        return target;
    }
    if (symbol.placement != elf::Placement::section) {
        target.kind = Target::Kind::undefined;
        return target;
    }
    target.section = symbol.section;
    const SectionView& there = view(*symbol.section);
    if (there.role == Role::literal) {
        // The assembler refers through a section symbol only where nothing is added (gas/write.c:
        // adjust_reloc_syms), because the linker moves literals one by one.
        const std::int64_t inside =
            symbol.is_section_symbol() ? relocation.addend + bias(relocation, section, range) : 0;
        const std::uint64_t place = symbol.value + static_cast<std::uint64_t>(inside);
        const std::uint64_t unit = symbol.section->is_strings() ? 1 : symbol.section->entry_size;
        target.kind = Target::Kind::literal;
        target.anchor = place - place % unit;
        target.delta += static_cast<std::int64_t>(symbol.value - target.anchor);
        return target;
    }
    target.piece = piece_of(symbol);
    if (target.piece == nullptr && !there.pieces.empty()) {
        const bool is_clear = there.pieces.size() == 1;
        const std::int64_t inside = is_clear ? 0 : relocation.addend + bias(relocation, section, range);
        target.piece = piece_at(*symbol.section, symbol.value + static_cast<std::uint64_t>(inside));
    }
    if (target.piece == nullptr) return target;
    target.kind = Target::Kind::piece;
    target.delta += static_cast<std::int64_t>(symbol.value - target.piece->range.begin);
    return target;
}

// A string with its terminator, or one constant. Empty where the object ends before it does.
Bytes Unit::literal(const Target& target) const {
    const Bytes content = target.section->content();
    const std::uint64_t unit = std::max<std::uint64_t>(target.section->entry_size, 1);
    if (target.anchor >= content.size()) return {};
    const Bytes rest = content.subspan(target.anchor);
    if (!target.section->is_strings()) return rest.first(std::min<std::uint64_t>(unit, rest.size()));
    for (std::uint64_t at = 0; at + unit <= rest.size(); at += unit) {
        const Bytes character = rest.subspan(at, unit);
        if (std::ranges::all_of(character, [](std::byte each) { return each == std::byte{0}; }))
            return rest.first(at + unit);
    }
    return {};
}

Location Unit::where(const Piece& piece) const {
    return {object_.display_name(), piece.section->name, piece.range.begin};
}

}  // namespace klp::diff
