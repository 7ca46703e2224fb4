// SPDX-License-Identifier: GPL-2.0-or-later
// Sections that are arrays of entries, each of which belongs to the code it refers to (kernel include/linux/…,
// arch/*/include/asm/…). An architecture has a table of them, one row a section; whatever any part of the program has
// to know about such a section is a column here, and no column has a default. A row cites the structure of its entries.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "arch/range.hpp"

namespace klp::arch {

// Bytes of an entry.
struct EntrySize {
    std::uint32_t bytes = 0;  // of the kernels that the model of the module loader knows; 0: they differ
    // What the kernel's own headers are asked where kernels differ: a C expression, and the header that it needs. Where
    // they do not tell, the relocations do (EntryLayout).
    std::string_view expression{};
    std::string_view header{};
};
[[nodiscard]] consteval EntrySize fixed(std::uint32_t bytes) {
    return {bytes, {}, {}};
}
[[nodiscard]] consteval EntrySize probed(std::string_view expression, std::string_view header) {
    return {0, expression, header};
}
[[nodiscard]] consteval EntrySize probed_or(std::uint32_t modelled, std::string_view expression,
                                            std::string_view header) {
    return {modelled, expression, header};
}

// Where an entry says which code takes the place of its owner's: in a field that leads to its start, and either a byte
// with its length, or a field that leads to its end.
struct Replacement {
    std::uint32_t start = 0;
    std::uint32_t length = 0;  // of the byte; 0: none
    std::uint32_t end = 0;     // of the field; 0: none
    [[nodiscard]] constexpr bool exists() const noexcept { return start != 0; }
};

// A form that the entries of a table have had in some kernel.
struct EntryLayout {
    std::uint32_t bytes = 0;
    // What relocations write, a letter for 4 bytes: `r` a field of 4, `R_` one of 8, `.` nothing. The owner field has
    // its relocation in every entry, others may be without. Empty: not known.
    std::string_view fields{};
    // Bytes without meaning for the comparison of two compilations (the line of a bug_entry).
    Range ignored{};
    std::uint32_t key = 0;  // offset of the field that names the key, where the table has one
    Replacement replacement{};
};
// All that are known, no two of the same bytes and fields.
using EntryLayouts = std::span<const EntryLayout>;

// Offset in the entry of the relocated field that names the code the entry belongs to.
enum class OwnerField : std::uint32_t {};

enum class Origin : std::uint8_t {
    source,   // what was written makes the entry
    derived,  // objtool or the compiler makes it from the code: not compared, only carried along
};

// What an entry names with the field EntryLayout::key.
enum class KeyKind : std::uint8_t { none, static_key, static_call };
struct Key {
    KeyKind kind = KeyKind::none;
    [[nodiscard]] constexpr bool exists() const noexcept { return kind != KeyKind::none; }
};

// Another section that runs in parallel, entry by entry (.orc_unwind beside .orc_unwind_ip). No name: none.
struct Companion {
    std::string_view name{};
    std::uint32_t entry_size = 0;
};

// What the kernel does, while it loads the module, with the code that an entry names.
enum class CodeAtLoad : std::uint8_t {
    kept,      // it stays, or single instructions of it are rewritten in place
    replaced,  // other code is copied over it: what a later relocation finds there is no longer what was compiled
};

// What becomes of the table itself.
enum class TableContent : std::uint8_t {
    constant,
    sorted,   // where it lies, while the module is loaded, for which it may be writable until then
    changing  // running code writes into it
};

// From when on the table is read-only, where it is writable at first.
enum class Sealed : std::uint8_t {
    never,
    after_init,
    // Since kernel/module/main.c:module_mark_ro_after_init(), where CONFIG_HAVE_STATIC_CALL_INLINE is set.
    after_init_if_marked,
};

// Bytes of an entry in kernels that take the table for the sake of one object as .klp.arch.OBJECT.NAME (4.6 to 5.7,
// arch_klp_init_object_loaded()). 0: they do not take it.
enum class ArchEntrySize : std::uint32_t {};

// What a relative field counts from.
enum class FieldBase : std::uint8_t { field, entry };

// What the addresses are that the entries hold.
enum class Lists : std::uint8_t {
    other_places,
    ftrace_sites,    // ftrace_sites.hpp
    function_areas,  // room for code, which lies before functions
};

struct SpecialSection {
    constexpr SpecialSection(std::string_view section_name, EntrySize size, OwnerField owner,
                             EntryLayouts known_layouts, Origin made_from, Key named_key, Companion other,
                             CodeAtLoad code, TableContent table_content, Sealed seal, ArchEntrySize in_arch_section,
                             FieldBase base, Lists listed) noexcept
        : name(section_name),
          entry_size(size),
          owner_field(static_cast<std::uint32_t>(owner)),
          layouts(known_layouts),
          origin(made_from),
          key(named_key),
          companion(other),
          code_at_load(code),
          content(table_content),
          sealed(seal),
          arch_entry_size(static_cast<std::uint32_t>(in_arch_section)),
          field_base(base),
          lists(listed) {}

    std::string_view name;
    EntrySize entry_size;
    std::uint32_t owner_field;
    EntryLayouts layouts;
    Origin origin;
    Key key;
    Companion companion;
    CodeAtLoad code_at_load;
    TableContent content;
    Sealed sealed;
    std::uint32_t arch_entry_size;
    FieldBase field_base;
    Lists lists;

    // Whether an entry may name a place before the function that it belongs to.
    [[nodiscard]] constexpr bool may_precede() const noexcept { return lists != Lists::other_places; }
};

// For the cells of tables.
namespace cells {
inline constexpr Key no_key{};
inline constexpr Companion alone{};
inline constexpr ArchEntrySize not_taken{0};
[[nodiscard]] consteval OwnerField at(std::uint32_t offset) {
    return OwnerField{offset};
}
inline constexpr Key static_key{KeyKind::static_key};
inline constexpr Key static_call{KeyKind::static_call};
// Tables of one field.
inline constexpr EntryLayout word_layouts[] = {{.bytes = 4, .fields = "r"}};
inline constexpr EntryLayout long_layouts[] = {{.bytes = 8, .fields = "R_"}};
inline constexpr EntryLayouts one_word{word_layouts};
inline constexpr EntryLayouts one_long{long_layouts};
// include/linux/jump_label.h: struct jump_entry { s32 code, target; long key; }; three longs without
// CONFIG_HAVE_ARCH_JUMP_LABEL_RELATIVE, as on x86, s390 and arm64 before 4.20, on powerpc before 5.14.
inline constexpr EntryLayout jump_layouts[] = {{.bytes = 16, .fields = "rrR_", .key = 8},
                                               {.bytes = 24, .fields = "R_R_R_", .key = 16}};
inline constexpr EntryLayouts jump_entries{jump_layouts};
inline constexpr EntrySize jump_entry = probed_or(16, "sizeof(struct jump_entry)", "linux/jump_label.h");
// include/asm-generic/bug.h: struct bug_entry { int bug_addr_disp, format_disp, file_disp; u16 line, flags; }, with
// longs where CONFIG_GENERIC_BUG_RELATIVE_POINTERS is not set; without CONFIG_DEBUG_BUGVERBOSE no file and line; format
// only where newer kernels have HAVE_ARCH_BUG_FORMAT.
inline constexpr EntryLayout bug_layouts[] = {{.bytes = 8, .fields = "r."},
                                              {.bytes = 12, .fields = "rr.", .ignored = {8, 10}},
                                              {.bytes = 16, .fields = "rrr.", .ignored = {12, 14}},
                                              {.bytes = 16, .fields = "R_.."},
                                              {.bytes = 24, .fields = "R_R_..", .ignored = {16, 18}}};
inline constexpr EntryLayouts bug_entries{bug_layouts};
inline constexpr EntrySize bug_entry = probed("sizeof(struct bug_entry)", "linux/bug.h");
[[nodiscard]] consteval EntrySize exception_entry(std::uint32_t modelled) {
    return probed_or(modelled, "sizeof(struct exception_table_entry)", "linux/uaccess.h");
}
using enum Origin;
using enum CodeAtLoad;
using enum TableContent;
using enum Sealed;
using enum FieldBase;
using enum Lists;
}  // namespace cells

}  // namespace klp::arch
