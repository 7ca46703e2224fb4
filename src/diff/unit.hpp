// SPDX-License-Identifier: GPL-2.0-or-later
// One object seen as pieces: the byte ranges that symbols name. A piece, not a section, is what is compared
// and carried over, because functions share sections (.sched.text, .noinstr.text) and variables do too
// (.data..read_mostly, .data.once).
#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "arch/arch.hpp"
#include "diff/diff.hpp"
#include "elf/object.hpp"

namespace klp::diff {

// What the kernel does with a section's content, as far as it matters for replacing parts of it.
enum class Role : std::uint8_t {
    ignored,  // not in memory, or dropped by the linker scripts
    code,
    init_code,  // gone once the kernel or module has started
    exit_code,  // __exit, which is notrace (include/linux/init.h)
    code_pool,  // code without symbols that belongs to whoever refers to it (.altinstr_replacement)
    data,       // writable
    constant,   // read-only
    literal,    // mergeable strings and constants
    init_data,  // gone like init_code
    table,      // an array that the kernel walks at start or load: exports, parameters, tracepoints
    special,    // entries that belong to code (arch::SpecialSection), and their companions
};

struct Piece;

// An entry of a special section.
struct SpecialEntry {
    const arch::SpecialSection* table = nullptr;
    const elf::Section* section = nullptr;
    const elf::Section* companion = nullptr;
    std::uint64_t index = 0;
    arch::Range range;               // in the section
    std::uint64_t owner_offset = 0;  // in the owning piece
};

struct Piece {
    const elf::Section* section = nullptr;
    arch::Range range;
    Role role = Role::ignored;
    std::vector<const elf::Symbol*> symbols;  // the one that names the piece first; empty: anonymous
    std::string base;                         // base_name() of that symbol
    bool alone = false;                       // the only piece of its section
    std::vector<SpecialEntry> entries;        // that belong to this code, by table and place

    Piece* twin = nullptr;    // the same thing in the other object
    Piece* parent = nullptr;  // of a .cold part
    std::vector<Piece*> cold_parts;
    std::vector<const Piece*> candidates;  // originals among which no choice can be made
    bool changed = false;
    std::string reason;  // why it is changed, for people

    [[nodiscard]] const elf::Symbol* symbol() const noexcept { return symbols.empty() ? nullptr : symbols.front(); }
    [[nodiscard]] std::string_view name() const noexcept;   // empty for anonymous pieces
    [[nodiscard]] std::string_view label() const noexcept;  // name, or section name; for messages
    [[nodiscard]] bool is_local() const noexcept;           // no symbol of it is seen outside of the object
    [[nodiscard]] bool is_numbered() const noexcept;        // local, with a compiler's counter in its name
    [[nodiscard]] bool is_any_code() const noexcept;
    // A struct _ddebug of pr_debug and relatives (include/linux/dynamic_debug.h).
    [[nodiscard]] bool is_debug_descriptor() const noexcept { return section->name == "__dyndbg"; }
    [[nodiscard]] bool is_function() const noexcept { return role == Role::code && parent == nullptr && symbol(); }
    // Nobody can tell two copies apart: compared by content, copied when needed.
    [[nodiscard]] bool has_identity() const noexcept;
    void mark_changed(std::string why);
};

// What a relocation refers to. `delta` counts from the start of the piece (or literal, or undefined symbol) and still
// contains the psABI's bias of PC-relative fields.
struct Target {
    enum class Kind : std::uint8_t { undefined, absolute, piece, literal, elsewhere };
    Kind kind = Kind::elsewhere;
    const elf::Symbol* symbol = nullptr;  // that the relocation names
    Piece* piece = nullptr;
    const elf::Section* section = nullptr;  // literal and elsewhere
    std::uint64_t anchor = 0;               // literal: where it starts in its section
    std::int64_t delta = 0;
};

class Unit {
public:
    Unit(const elf::Object& object, const arch::Arch& architecture, const Options& options);
    Unit(const Unit&) = delete;
    Unit& operator=(const Unit&) = delete;

    [[nodiscard]] const elf::Object& object() const noexcept { return object_; }
    [[nodiscard]] const arch::Arch& architecture() const noexcept { return arch_; }
    [[nodiscard]] std::deque<Piece>& pieces() noexcept { return pieces_; }
    [[nodiscard]] Piece* piece_of(const elf::Symbol& symbol) const;
    // The piece that begins last at or before the offset.
    [[nodiscard]] Piece* piece_at(const elf::Section& section, std::uint64_t offset) const;
    [[nodiscard]] Role role(const elf::Section& section) const;

    // Relocations with a field, by offset. Those of a piece of code that shares its section include the
    // branches to neighbours that the assembler resolved itself.
    [[nodiscard]] std::span<const elf::Relocation> relocations(const elf::Section& section, arch::Range range) const;
    [[nodiscard]] std::span<const elf::Relocation> relocations(const Piece& piece) const;

    // `range`: of the piece or entry that holds the relocation.
    [[nodiscard]] Target locate(const elf::Relocation& relocation, const elf::Section& section,
                                arch::Range range) const;
    // arch::Arch::addend_bias().
    [[nodiscard]] std::int64_t bias(const elf::Relocation& relocation, const elf::Section& section,
                                    arch::Range range) const;
    [[nodiscard]] Bytes literal(const Target& target) const;

    // Entries of special sections for which no code can be found.
    [[nodiscard]] const std::vector<SpecialEntry>& orphans() const noexcept { return orphans_; }
    [[nodiscard]] Location where(const Piece& piece) const;

private:
    struct SectionView {
        Role role = Role::ignored;
        std::vector<elf::Relocation> relocations;
        std::vector<Piece*> pieces;  // by begin
        std::vector<const elf::Symbol*> symbols;
    };

    // pieces.cpp
    void view_sections();
    void make_pieces(const elf::Section& section, SectionView& view);
    void make_gap_pieces(const elf::Section& section, SectionView& view);
    void make_pool_pieces();
    void join_cold_parts();
    Piece& add_piece(const elf::Section& section, SectionView& view, arch::Range range);
    // special.cpp
    void attach_entries(const Options& options);
    void attach_entries_of(const elf::Section& section, const arch::SpecialSection& table, std::uint32_t entry_size);
    [[nodiscard]] const SectionView& view(const elf::Section& section) const { return views_.at(&section); }

    const elf::Object& object_;
    const arch::Arch& arch_;
    std::deque<Piece> pieces_;
    std::unordered_map<const elf::Section*, SectionView> views_;
    std::unordered_map<const elf::Symbol*, Piece*> piece_of_;
    std::vector<SpecialEntry> orphans_;
    // Of code that shares its section; made when first asked for, because it takes decoding instructions.
    mutable std::unordered_map<const Piece*, std::vector<elf::Relocation>> shared_code_relocations_;
    mutable std::deque<elf::Symbol> implicit_symbols_;
};

[[nodiscard]] Role role_of(const elf::Section& section, const arch::Arch& architecture);

}  // namespace klp::diff
