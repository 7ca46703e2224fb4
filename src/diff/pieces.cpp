// SPDX-License-Identifier: GPL-2.0-or-later
// Cutting an object into pieces.
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "diff/decomposition.hpp"
#include "diff/names.hpp"

namespace klp::diff {

namespace {

bool has_content_of_its_own(Role role) {
    return role == Role::data || role == Role::constant || role == Role::init_data || role == Role::table;
}

// Symbols that begin a piece. Assembler labels and section symbols only mark places.
bool names_a_piece(const elf::Symbol& symbol) {
    return symbol.placement == elf::Placement::section && !symbol.is_section_symbol() && !symbol.is_file() &&
           !symbol.name.empty() && !is_assembler_label(symbol.name);
}

bool is_empty_object(const elf::Symbol& symbol) {
    return symbol.size == 0 && symbol.is_data_object();
}

// Functions before labels, large before small: the first at a place names the piece.
bool comes_before(const elf::Symbol* a, const elf::Symbol* b) {
    if (a->value != b->value) return a->value < b->value;
    return a->size > b->size;
}

bool is_zero(Bytes bytes) {
    return std::ranges::all_of(bytes, [](std::byte each) { return each == std::byte{0}; });
}

// The symbol of nops or a hash before the function whose name it has (tools/objtool/elf.c:elf_create_prefix_symbol(),
// clang -fsanitize=kcfi), which are part of that function. `next`: the symbols behind it, by value.
bool is_prefix(const elf::Symbol& symbol, std::span<const elf::Symbol* const> next) {
    const std::string_view name = symbol.name;
    if (symbol.size == 0 || !(name.starts_with("__pfx_") || name.starts_with("__cfi_"))) return false;
    return std::ranges::any_of(next, [&](const elf::Symbol* each) {
        return each->value == symbol.value + symbol.size && each->name == name.substr(6);
    });
}

// A global name is what people and kallsyms know best.
void put_best_name_first(std::vector<const elf::Symbol*>& symbols) {
    const std::uint64_t begin = symbols.front()->value;
    const auto is_own = [&](const elf::Symbol* each) {
        return each->value == begin && !is_device_table_alias(each->name);
    };
    auto best =
        std::ranges::find_if(symbols, [&](const elf::Symbol* each) { return is_own(each) && !each->is_local(); });
    if (best == symbols.end()) best = std::ranges::find_if(symbols, is_own);
    if (best != symbols.end()) std::rotate(symbols.begin(), best, best + 1);
}

}  // namespace

void Decomposition::view_sections() {
    for (const auto& section : object_.sections()) {
        SectionView& view = views_[section.get()];
        view.role = role_of(*section, arch_);
        if (view.role == Role::ignored) continue;
        for (const elf::Relocation& each : section->rela()) {
            const auto info = arch_.relocation_info(each.type);
            if (!info || info->formula != arch::Formula::none) view.relocations.push_back(&each);
        }
        // Assemblers write the relocations of jumps after all others, and objtool appends to sections that compilers
        // have sorted.
        std::ranges::stable_sort(view.relocations, {}, &elf::Relocation::offset);
    }
    for (const auto& symbol : object_.symbols()) {
        if (names_a_piece(*symbol)) views_.at(symbol->section).symbols.push_back(symbol.get());
    }
}

Piece& Decomposition::add_piece(const elf::Section& section, SectionView& view, arch::Range range) {
    Piece& piece = pieces_.emplace_back();
    piece.index = pieces_.size() - 1;
    piece.section = &section;
    piece.range = range;
    piece.role = view.role;
    view.pieces.push_back(&piece);
    return piece;
}

void Decomposition::make_pieces(const elf::Section& section, SectionView& view) {
    if (view.role == Role::ignored || view.role == Role::special || view.role == Role::literal) return;
    std::ranges::stable_sort(view.symbols, comes_before);
    std::vector<const elf::Symbol*> prefixes;
    for (std::size_t i = 0; i < view.symbols.size(); ++i) {
        const elf::Symbol& symbol = *view.symbols[i];
        if (section.is_code() && is_prefix(symbol, std::span(view.symbols).subspan(i + 1))) {
            prefixes.push_back(&symbol);
            continue;
        }
        if (symbol.value > section.size() || symbol.size > section.size() - symbol.value) {
            throw Error({object_.display_name(), section.name, symbol.value},
                        fmt::format("symbol '{}' of {} bytes ends behind its section of {} bytes", symbol.name,
                                    symbol.size, section.size()));
        }
        const bool is_label = symbol.size == 0 && !is_empty_object(symbol);
        Piece* open = view.pieces.empty() ? nullptr : view.pieces.back();
        const bool within = open != nullptr && symbol.value < open->range.end;
        if (within && !is_empty_object(symbol)) {
            open->range.end = std::max(open->range.end, symbol.value + symbol.size);
        } else {
            std::uint64_t end = symbol.value + symbol.size;
            if (is_label) end = i + 1 < view.symbols.size() ? view.symbols[i + 1]->value : section.size();
            open = &add_piece(section, view, {symbol.value, end});
        }
        open->symbols.push_back(&symbol);
        piece_of_[&symbol] = open;
    }
    for (Piece* piece : view.pieces) {
        put_best_name_first(piece->symbols);
        piece->base = base_name(piece->symbols.front()->name);
    }
    for (const elf::Symbol* prefix : prefixes) {
        const auto function = std::ranges::find(view.pieces, prefix->value + prefix->size,
                                                [](const Piece* each) { return each->range.begin; });
        if (function == view.pieces.end()) continue;
        (*function)->room = prefix->size;
        piece_of_[prefix] = *function;
    }
    if (has_content_of_its_own(view.role) || view.pieces.empty()) make_gap_pieces(section, view);
    std::ranges::stable_sort(view.pieces, {}, [](const Piece* piece) { return piece->range.begin; });
    for (Piece* piece : view.pieces) piece->alone = view.pieces.size() == 1;
}

// Bytes that no symbol covers: constants behind section symbols, switch tables. Zeros up to an alignment are
// padding.
void Decomposition::make_gap_pieces(const elf::Section& section, SectionView& view) {
    if (view.role == Role::code_pool) return;
    std::vector<arch::Range> gaps;
    std::uint64_t at = 0;
    for (const Piece* piece : view.pieces) {
        if (piece->range.begin > at) gaps.push_back({at, piece->range.begin});
        at = std::max(at, piece->range.end);
    }
    if (section.size() > at) gaps.push_back({at, section.size()});
    for (const arch::Range gap : gaps) {
        if (is_address_table(section)) {
            for (std::uint64_t begin = gap.begin; begin < gap.end; begin += address_table_entry)
                add_piece(section, view, {begin, std::min(begin + address_table_entry, gap.end)});
            continue;
        }
        const bool is_short = gap.size() < std::max<std::uint64_t>(section.alignment, 8) && !view.pieces.empty();
        const bool is_empty = section.is_nobits() || is_zero(section.content().subspan(gap.begin, gap.size()));
        if (!is_short || !is_empty) add_piece(section, view, gap);
    }
}

// Pools have no symbols: their pieces begin where something refers to, other than the entries of their own
// instructions.
void Decomposition::make_pool_pieces() {
    std::map<std::uint32_t, std::pair<const elf::Section*, std::set<std::uint64_t>>> starts;  // by section index
    const auto is_pool = [&](const elf::Section* section) {
        return section != nullptr && view(*section).role == Role::code_pool;
    };
    const auto names_owner = [&](const elf::Section& section, const elf::Relocation& relocation) {
        const auto layout = layouts_.find(&section);
        return layout != layouts_.end() &&
               relocation.offset % layout->second.bytes == arch_.special_section(section.name)->owner_field;
    };
    const auto collect = [&](const elf::Section& section, arch::Range range, bool of_owners) {
        for (const elf::Relocation* each : relocations_in(view(section), range)) {
            if (!is_pool(each->symbol->section) || names_owner(section, *each) != of_owners) continue;
            const std::int64_t offset = each->addend + arch_.addend_bias(section, range, *each);
            const std::uint64_t place = each->symbol->value + static_cast<std::uint64_t>(offset);
            auto& [pool, offsets] = starts[each->symbol->section->original_index];
            pool = each->symbol->section;
            if (!of_owners || offsets.empty() || place < *offsets.begin()) offsets.insert(place);
        }
    };
    for (const bool of_owners : {false, true}) {
        for (const auto& section : object_.sections()) {
            const SectionView& holder = view(*section);
            if (holder.role == Role::special) collect(*section, {0, section->size()}, of_owners);
            for (const Piece* piece : holder.pieces) collect(*section, piece->range, of_owners);
        }
    }
    for (auto& [index, start] : starts) {
        const auto& [section, offsets] = start;
        SectionView& pool = views_.at(section);
        std::uint64_t end = section->size();
        std::vector<arch::Range> ranges;
        for (const std::uint64_t start_of_one : std::vector(offsets.rbegin(), offsets.rend())) {
            if (start_of_one > end) continue;
            ranges.push_back({start_of_one, end});
            end = start_of_one;
        }
        for (const arch::Range range : ranges) add_piece(*section, pool, range);
        std::ranges::reverse(pool.pieces);
    }
}

// Replacements may stand behind the functions of their own section, where no symbol tells of them (arm64:
// arch/arm64/include/asm/alternative-macros.h, .subsection).
void Decomposition::make_replacement_pieces() {
    for (const auto& section : object_.sections()) {
        const auto layout = layouts_.find(section.get());
        if (layout == layouts_.end() || layout->second.replacement.length == 0) continue;
        for (std::uint64_t entry = 0; entry < section->size(); entry += layout->second.bytes)
            add_replacement(*section, entry, layout->second.replacement);
    }
}

void Decomposition::add_replacement(const elf::Section& table, std::uint64_t entry,
                                    const arch::Replacement& replacement) {
    const std::uint64_t length_at = entry + replacement.length;
    const auto field = relocations_in(view(table), {entry + replacement.start, entry + replacement.start + 1});
    if (field.empty() || length_at >= table.size()) return;
    const elf::Symbol& symbol = *field.front()->symbol;
    const auto length = std::to_integer<std::uint64_t>(table.content()[length_at]);
    if (symbol.section == nullptr || !symbol.section->is_code() || length == 0) return;
    SectionView& code = views_.at(symbol.section);
    const auto place = symbol.value + static_cast<std::uint64_t>(field.front()->addend);
    const auto covers = [&](const Piece* each) {
        return place + each->room >= each->range.begin && place < each->range.end;
    };
    if (code.role == Role::code_pool || code.pieces.empty() || std::ranges::any_of(code.pieces, covers)) return;
    if (place >= symbol.section->size() || length > symbol.section->size() - place) {
        throw Error({object_.display_name(), table.name, entry},
                    fmt::format("replacement code of {} bytes at {}+{:#x}, behind the section's end at {:#x}", length,
                                symbol.section->name, place, symbol.section->size()));
    }
    add_piece(*symbol.section, code, {place, place + length}).role = Role::code_pool;
    std::ranges::stable_sort(code.pieces, {}, [](const Piece* piece) { return piece->range.begin; });
    for (Piece* each : code.pieces) each->alone = false;
}

void Decomposition::join_cold_parts() {
    std::unordered_map<std::string_view, Piece*> functions;
    for (Piece& piece : pieces_) {
        if (!piece.is_any_code()) continue;
        for (const elf::Symbol* symbol : piece.symbols) functions.emplace(symbol->name, &piece);
    }
    for (Piece& piece : pieces_) {
        if (!piece.is_any_code()) continue;
        const auto parent = parent_of_cold(piece.name());
        if (!parent) continue;
        const auto found = functions.find(*parent);
        if (found == functions.end()) continue;
        piece.parent = found->second;
        found->second->cold_parts.push_back(&piece);
    }
}

}  // namespace klp::diff
