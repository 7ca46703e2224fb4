// SPDX-License-Identifier: GPL-2.0-or-later
// Where pieces and entries come to lie in the extracted object.
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/align.hpp"
#include "diff/extractor.hpp"
#include "diff/names.hpp"

namespace klp::diff {

namespace {

// What the piece had: its section's, or as much as its place in a shared section proves.
std::uint64_t alignment_of(const Piece& piece) {
    const std::uint64_t of_section = std::max<std::uint64_t>(piece.section->alignment, 1);
    const std::uint64_t begin = piece.range.begin;
    if (begin == 0 || piece.is_any_code()) return of_section;
    return std::min(of_section, begin & (~begin + 1));
}

// Modules have one section for per-CPU data (kernel/module/main.c:find_pcpusec); in vmlinux it has variants.
std::string_view data_section_name(std::string_view name) {
    constexpr std::string_view percpu = ".data..percpu";
    return name.starts_with(percpu) ? percpu : name;
}

}  // namespace

std::uint64_t append(elf::Section& section, Bytes content, std::uint64_t size, std::uint64_t alignment) {
    const std::uint64_t unit = std::max<std::uint64_t>(alignment, 1);
    const std::uint64_t offset = align_up(section.size(), unit);
    section.alignment = std::max(section.alignment, unit);
    if (section.is_nobits()) {
        section.set_nobits_size(offset + size);
        return offset;
    }
    auto& bytes = section.edit();
    bytes.resize(offset);
    bytes.insert(bytes.end(), content.begin(), content.end());
    bytes.resize(offset + size);
    return offset;
}

elf::Section& Extractor::shared_section(std::string_view name, const elf::Section& like) {
    const auto found = shared_.find(name);
    if (found != shared_.end()) return *found->second;
    elf::Section& made = new_section(name, like);
    made.flags &= ~std::uint64_t{SHF_LINK_ORDER};
    shared_.emplace(name, &made);
    return made;
}

// Linkers put what has SHF_LINK_ORDER in the order of the code that it is linked to, and take nothing beside it that
// has no such link.
elf::Section& Extractor::ordered_section(const elf::Section& like, elf::Section& code) {
    elf::Section*& made = ordered_[{like.name, &code}];
    if (made == nullptr) {
        made = &new_section(like.name, like);
        made->link = &code;
    }
    return *made;
}

elf::Section& Extractor::new_section(std::string_view name, const elf::Section& like) {
    elf::Section& made = out_.add_section(std::string(name), like.type, like.flags & ~std::uint64_t{SHF_GROUP}, 1);
    made.entry_size = like.entry_size;
    if (!like.is_nobits()) made.set_content({});
    return made;
}

// A function gets a section of its own, whatever section it shared: kernel/livepatch does not care where new
// code is.
elf::Section& Extractor::section_for(const Piece& piece) {
    const bool is_beside_code = piece.role == Role::code_pool && patched_.role(*piece.section) != Role::code_pool;
    if (is_beside_code) return shared_section(".altinstr_replacement", *piece.section);
    if (!piece.is_any_code()) return shared_section(data_section_name(piece.section->name), *piece.section);
    const bool is_unlikely = piece.parent != nullptr || piece.section->name.starts_with(".text.unlikely");
    const std::string_view name = piece.parent != nullptr ? piece.parent->label() : piece.label();
    return out_.add_section(fmt::format("{}{}", is_unlikely ? ".text.unlikely." : ".text.", name), SHT_PROGBITS,
                            SHF_ALLOC | SHF_EXECINSTR, 1);
}

void Extractor::lay_out(const Piece& piece) {
    elf::Section& section = section_for(piece);
    const std::uint64_t offset =
        append(section, piece.content_with_room(), piece.room + piece.range.size(), alignment_of(piece)) + piece.room;
    elf::Symbol* symbol = add_symbols(piece, section, offset);
    laid_[&piece] = {&section, offset, symbol};
    report(piece, section, symbol);
}

elf::Symbol* Extractor::add_symbols(const Piece& piece, elf::Section& section, std::uint64_t offset) {
    elf::Symbol* first = nullptr;
    for (const elf::Symbol* each : piece.symbols) {
        elf::Symbol copy = *each;
        copy.section = &section;
        copy.value = offset + (each->value - piece.range.begin);
        copy.original_index = 0;
        names_.try_emplace(copy.name, 0);
        elf::Symbol& made = out_.add_symbol(std::move(copy));
        if (first == nullptr) first = &made;
    }
    return first;
}

void Extractor::report(const Piece& piece, const elf::Section& section, elf::Symbol* symbol) {
    if (piece.role == Role::code) {
        const Piece* original = changes_.pairs().original_of(piece);
        FunctionStatus status = original == nullptr ? FunctionStatus::added : FunctionStatus::changed;
        if (changes_.is_carried(piece)) status = FunctionStatus::carried;
        if (piece.parent != nullptr) status = FunctionStatus::included;
        const elf::Symbol* before = original == nullptr ? nullptr : original->symbol();
        result_.functions.push_back(
            {std::string(piece.label()), status, section.name, before, symbol, changes_.reason(piece)});
    } else if (piece.role == Role::data || piece.role == Role::constant) {
        if (piece.range.size() == 0) return;
        const DataStatus status = piece.has_identity() ? DataStatus::added : DataStatus::copied;
        const bool is_variable = piece.role == Role::data;
        result_.data.push_back({std::string(piece.name()), status, section.name, piece.range.size(), is_variable});
        if (status == DataStatus::added && is_variable && !piece.is_message()) {
            result_.notes.push_back(fmt::format("new variable '{}' ({} bytes) in {} starts with its initial value",
                                                piece.name(), piece.range.size(), section.name));
        }
    }
}

void Extractor::report_literals() {
    std::map<std::string_view, std::uint64_t> sizes;
    for (const auto& [key, symbol] : literals_) sizes[symbol->section->name] = symbol->section->size();
    for (const auto& [name, size] : sizes)
        result_.data.push_back({"", DataStatus::copied, std::string(name), size, false});
}

void Extractor::lay_out_entry(const SpecialEntry& entry) {
    const auto copy = [&](const elf::Section& from, arch::Range range, std::uint64_t size) {
        elf::Section& to = (from.flags & SHF_LINK_ORDER) != 0 ? ordered_section(from, *laid_.at(entry.owner).section)
                                                              : shared_section(from.name, from);
        to.alignment = std::max(to.alignment, from.alignment);
        return std::pair(&to, append(to, from.content().subspan(range.begin, range.size()), size, 1));
    };
    LaidEntry& laid = laid_entries_[&entry];
    std::tie(laid.section, laid.offset) = copy(*entry.section, entry.range, entry.layout->bytes);
    if (entry.companion == nullptr) return;
    std::tie(laid.companion, laid.companion_offset) =
        copy(*entry.companion, entry.companion_range(), entry.companion_range().size());
}

}  // namespace klp::diff
