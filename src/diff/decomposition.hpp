// SPDX-License-Identifier: GPL-2.0-or-later
// One object taken apart, once: its pieces, what each of their fields refers to, and which piece each entry of a
// special section belongs to. diff(), the proof and the conversion of modules all work on this, and none of them
// changes it.
#pragma once

#include <deque>
#include <map>
#include <span>
#include <unordered_map>

#include "diff/piece.hpp"
#include "diff/strides.hpp"

namespace klp::diff {

class Decomposition {
public:
    // The object must outlive it, and is not edited meanwhile. Error: a symbol that ends behind its section, a special
    // section that is no array of entries, an object of no supported architecture.
    explicit Decomposition(const elf::Object& object, const EntrySizes& sizes = {});
    Decomposition(Decomposition&&) = default;  // pieces stay where they are
    Decomposition& operator=(Decomposition&&) = delete;

    [[nodiscard]] const elf::Object& object() const noexcept { return object_; }
    [[nodiscard]] const arch::Arch& architecture() const noexcept { return arch_; }
    // In the order of the sections; pieces of code pools last.
    [[nodiscard]] const std::deque<Piece>& pieces() const noexcept { return pieces_; }
    [[nodiscard]] const Piece* piece_of(const elf::Symbol& symbol) const;
    // The piece that begins last at or before the offset.
    [[nodiscard]] const Piece* piece_at(const elf::Section& section, std::uint64_t offset) const;
    // The same; what lies in the room before a function is the function's.
    [[nodiscard]] const Piece* piece_with_room_at(const elf::Section& section, std::uint64_t offset) const;
    [[nodiscard]] Role role(const elf::Section& section) const { return view(section).role; }

    // Ascending. Error: the piece is code that cannot be decoded.
    [[nodiscard]] std::span<const Field> fields(const Piece& piece) const;
    [[nodiscard]] std::span<const Field> fields(const SpecialEntry& entry) const;
    [[nodiscard]] std::span<const Field> companion_fields(const SpecialEntry& entry) const;
    // arch::Arch::addend_bias().
    [[nodiscard]] std::int64_t bias(const Field& field, const Piece& holder) const;

    // Entries of special sections for which no code can be found.
    [[nodiscard]] const std::vector<SpecialEntry>& orphans() const noexcept { return orphans_; }
    [[nodiscard]] Location where(const Piece& piece) const;

private:
    struct SectionView {
        Role role = Role::ignored;
        std::vector<const elf::Symbol*> symbols;
        std::vector<const elf::Relocation*> relocations;  // with a field, by offset
        std::vector<Piece*> pieces;                       // by begin
        std::vector<Field> fields;                        // of pieces or entries, by offset
    };
    using Relocations = std::span<const elf::Relocation* const>;

    // pieces.cpp
    void view_sections();
    void make_pieces(const elf::Section& section, SectionView& view);
    void make_gap_pieces(const elf::Section& section, SectionView& view);
    void make_pool_pieces();
    void make_replacement_pieces();
    void add_replacement(const elf::Section& table, std::uint64_t entry, const arch::Replacement& replacement);
    void join_cold_parts();
    Piece& add_piece(const elf::Section& section, SectionView& view, arch::Range range);
    // fields.cpp
    void make_fields();
    void make_fields_of(const Piece& piece, SectionView& view);
    [[nodiscard]] bool is_replacement_beside_code(const Piece& piece) const;
    void add_implicit_references(const Piece& piece, std::vector<Field>& fields);
    [[nodiscard]] Field field_of(const elf::Relocation& relocation, const elf::Section& section,
                                 arch::Range range) const;
    // `range`: of the piece or section that holds the relocation.
    [[nodiscard]] Target locate(const elf::Relocation& relocation, const elf::Section& section,
                                arch::Range range) const;
    [[nodiscard]] Target locate_in_section(Target target, std::uint64_t pointed_at) const;
    [[nodiscard]] std::span<const Field> fields_in(const elf::Section& section, arch::Range range) const;
    [[nodiscard]] static Relocations relocations_in(const SectionView& view, arch::Range range);
    // entries.cpp
    void find_layouts(const EntrySizes& sizes);
    void attach_entries();
    void attach_entries_of(const elf::Section& section, const arch::SpecialSection& table,
                           const arch::EntryLayout& layout);
    void require_content(const elf::Section& section) const;
    void lead_to_replacement(const elf::Section& section, arch::Range entry, const arch::Replacement& replacement);
    [[nodiscard]] const Piece& no_code(const elf::Section& pool);  // replacement code of length 0
    void attach(SpecialEntry entry);
    void lead_to_entries();
    void lead_to_entry(const Piece& holder, Field& field);
    [[nodiscard]] const Piece* function_of_site(const elf::Section& section, std::uint64_t place) const;

    [[nodiscard]] const SectionView& view(const elf::Section& section) const { return views_.at(&section); }

    const elf::Object& object_;
    const arch::Arch& arch_;
    std::deque<Piece> pieces_;
    std::unordered_map<const elf::Section*, SectionView> views_;
    std::unordered_map<const elf::Symbol*, Piece*> piece_of_;
    std::vector<SpecialEntry> orphans_;
    std::map<const elf::Section*, arch::EntryLayout> layouts_;  // of special sections; what entries point to
    std::unordered_map<const elf::Section*, Piece*> no_code_;
    std::map<const Piece*, Error> undecodable_;
    std::deque<elf::Symbol> implicit_symbols_;  // what implicit references are relative to: section starts
    std::deque<elf::Relocation> implicit_relocations_;
};

}  // namespace klp::diff
