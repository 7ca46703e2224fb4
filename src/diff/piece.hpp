// SPDX-License-Identifier: GPL-2.0-or-later
// What an object is made of: functions, data and entries of special sections, with what each of them refers to. A
// piece, not a section, is what is compared, proven and carried over, because functions share sections (.sched.text,
// .noinstr.text) and variables do too (.data..read_mostly, .data.once).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arch/arch.hpp"
#include "diff/names.hpp"
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

[[nodiscard]] Role role_of(const elf::Section& section, const arch::Arch& architecture);

// Where and what of a check that -fsanitize=undefined made, which lib/ubsan.c prints.
[[nodiscard]] bool is_sanitizer_data(const elf::Section& section);

// Addresses and constants that code of the object loads from there, 8 bytes each, and that nobody writes, though the
// section is writable (ppc64's ELFv2 ABI, "TOC").
[[nodiscard]] bool is_address_table(const elf::Section& section);
constexpr std::uint64_t address_table_entry = 8;

struct Piece;

// An entry of a special section.
struct SpecialEntry {
    const arch::SpecialSection* table = nullptr;
    const arch::EntryLayout* layout = nullptr;
    const elf::Section* section = nullptr;
    const elf::Section* companion = nullptr;
    std::uint64_t index = 0;
    arch::Range range;               // in the section; shorter than the layout where its padding is not there
    const Piece* owner = nullptr;    // what it belongs to; null where nothing of the object is found
    std::uint64_t owner_offset = 0;  // in the owner

    [[nodiscard]] arch::Range companion_range() const noexcept {
        return {index * table->companion.entry_size, (index + 1) * table->companion.entry_size};
    }
};

// A function, a variable, a constant, an entry of a table: bytes that symbols name, or that nothing names.
struct Piece {
    std::size_t index = 0;  // in Decomposition::pieces()
    const elf::Section* section = nullptr;
    arch::Range range;
    std::uint64_t room = 0;  // bytes before it that are its own: nops where ftrace keeps a pointer
    Role role = Role::ignored;
    // The one that names the piece first, then aliases and labels inside, by value; empty: anonymous.
    std::vector<const elf::Symbol*> symbols;
    std::string base;                   // base_name() of the first symbol
    bool alone = false;                 // the only piece of its section
    std::vector<SpecialEntry> entries;  // that belong to it, by table and place
    const Piece* parent = nullptr;      // of a .cold part
    std::vector<const Piece*> cold_parts;

    [[nodiscard]] const elf::Symbol* symbol() const noexcept { return symbols.empty() ? nullptr : symbols.front(); }
    [[nodiscard]] std::string_view name() const noexcept;   // empty for anonymous pieces
    [[nodiscard]] std::string_view label() const noexcept;  // name, or section name; for messages
    [[nodiscard]] Bytes content() const;                    // empty for NOBITS
    [[nodiscard]] Bytes content_with_room() const;
    [[nodiscard]] bool is_local() const noexcept;  // no symbol of it is seen outside of the object
    // Local, with a compiler's counter in its name, or without only because it is the first of its name.
    [[nodiscard]] bool is_numbered() const noexcept;
    [[nodiscard]] bool is_any_code() const noexcept;
    // A struct _ddebug of pr_debug and relatives (include/linux/dynamic_debug.h).
    [[nodiscard]] bool is_debug_descriptor() const noexcept { return is_debug_descriptor_section(section->name); }
    // That, or what tracepoint_string() and trace_printk() point to their text with (include/linux/tracepoint.h,
    // include/linux/kernel.h): nothing but its content, which nobody changes.
    [[nodiscard]] bool is_message() const noexcept {
        return is_debug_descriptor() || section->name == "__tracepoint_str" || section->name == "__trace_printk_fmt";
    }
    // That, or the state of a print-once or rate-limit macro (is_message_state()).
    [[nodiscard]] bool is_of_message() const noexcept;
    // Of a list of BTF ids (include/linux/btf_ids.h): zeros until the kernel is linked (tools/bpf/resolve_btfids), so
    // that names and places are the content.
    [[nodiscard]] bool is_btf_id() const noexcept { return section->name == ".BTF_ids"; }
    [[nodiscard]] bool is_function() const noexcept { return role == Role::code && parent == nullptr && symbol(); }
    // Nobody can tell two copies apart: compared by content, copied when needed.
    [[nodiscard]] bool has_identity() const noexcept;
};

// Relocations add modulo 2^64.
[[nodiscard]] constexpr std::int64_t wrapped_sum(std::int64_t a, std::uint64_t b) noexcept {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + b);
}

// What a field refers to. `delta` counts from the start of the piece (or literal, entry, undefined symbol) and still
// contains the psABI's bias of PC-relative fields.
struct Target {
    enum class Kind : std::uint8_t {
        undefined,  // a symbol of another object
        absolute,   // a number, or nothing
        piece,
        literal,    // a string or constant of a mergeable section
        entry,      // of a special section: x86 7.x passes its struct bug_entry to WARN_trap (asm/bug.h)
        elsewhere,  // a section without pieces
    };
    Kind kind = Kind::elsewhere;
    const elf::Symbol* symbol = nullptr;  // that the relocation names
    const Piece* piece = nullptr;
    const SpecialEntry* entry = nullptr;
    const elf::Section* section = nullptr;  // where the symbol is
    std::uint64_t anchor = 0;               // literal: where it starts in its section
    std::int64_t delta = 0;

    [[nodiscard]] std::string_view name() const noexcept;  // of a piece or an undefined symbol
};

// A place that a relocation writes, or, in code that shares its section, one that the assembler has resolved itself: a
// branch to a neighbour.
struct Field {
    const elf::Relocation* relocation = nullptr;
    std::uint8_t size = 0;  // bytes; 0: the relocation's type is not known
    Target target;

    [[nodiscard]] std::uint64_t offset() const noexcept { return relocation->offset; }  // in the section
    // From the relocation's symbol (S) to the start of what the target is.
    [[nodiscard]] std::int64_t shift() const noexcept {
        return wrapped_sum(relocation->addend, -static_cast<std::uint64_t>(target.delta));
    }
};

// The string with its terminator, or the entry of a mergeable section, that starts at the offset. Empty where the
// section ends before it does.
[[nodiscard]] Bytes literal_at(const elf::Section& section, std::uint64_t offset);

}  // namespace klp::diff
