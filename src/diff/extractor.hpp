// SPDX-License-Identifier: GPL-2.0-or-later
// The steps of extract(): lay out pieces, then entries, then relocations.
#pragma once

#include <map>
#include <unordered_map>

#include "diff/extract.hpp"

namespace klp::diff {

class Extractor {
public:
    Extractor(const Changes& changes, const Selection& selection);
    Result run();

private:
    // A place in the extracted object that relocations can name.
    struct Place {
        elf::Symbol* symbol = nullptr;
        std::int64_t addend = 0;
    };

    // layout.cpp
    void lay_out(const Piece& piece);
    void lay_out_entry(const SpecialEntry& entry);
    elf::Section& section_for(const Piece& piece);
    elf::Section& shared_section(std::string_view name, const elf::Section& like);
    elf::Section& ordered_section(const elf::Section& like, elf::Section& code);
    elf::Section& new_section(std::string_view name, const elf::Section& like);
    elf::Symbol* add_symbols(const Piece& piece, elf::Section& section, std::uint64_t offset);
    void report(const Piece& piece, const elf::Section& section, elf::Symbol* symbol);
    void report_literals();

    // extract.cpp
    void relocate(const Piece& piece);
    void relocate(const SpecialEntry& entry);
    // `moved`: from the offset of a field in the patched object to that in the section.
    void relocate(std::span<const Field> fields, const Holder& holder, elf::Section& section, std::uint64_t moved);
    Place place_of(const Field& field, const Holder& holder);
    Place literal(const Target& target);
    Place entry(const Target& target, const Holder& holder);
    Place reference_to_original(const Target& target);
    elf::Symbol& absolute(const elf::Symbol& symbol);
    elf::Symbol& reference(std::string_view name, const elf::Symbol& like, const elf::Symbol* original, bool defined);
    [[nodiscard]] std::string unused_name(std::string_view name);

    struct Laid {
        elf::Section* section = nullptr;
        std::uint64_t offset = 0;
        elf::Symbol* symbol = nullptr;  // at its start; null for anonymous pieces
    };
    struct LaidEntry {
        elf::Section* section = nullptr;
        std::uint64_t offset = 0;
        elf::Section* companion = nullptr;
        std::uint64_t companion_offset = 0;
    };

    const Changes& changes_;
    const Decomposition& patched_;
    const Selection& selection_;
    Result result_;
    elf::Object& out_;
    std::unordered_map<const Piece*, Laid> laid_;
    std::unordered_map<const SpecialEntry*, LaidEntry> laid_entries_;
    std::map<std::string, elf::Section*, std::less<>> shared_;
    std::map<std::pair<std::string, const elf::Section*>, elf::Section*> ordered_;  // by name and code
    std::map<std::pair<const elf::Section*, std::string>, elf::Symbol*> literals_;
    std::unordered_map<const elf::Symbol*, elf::Symbol*> references_;  // by the symbol of original or patched
    std::unordered_map<std::string_view, const elf::Symbol*> original_by_name_;
    std::map<std::string, int, std::less<>> names_;  // taken, with the last number tried
};

// Appends bytes (or, to NOBITS, room) at the alignment, and says where.
std::uint64_t append(elf::Section& section, Bytes content, std::uint64_t size, std::uint64_t alignment);

}  // namespace klp::diff
