// SPDX-License-Identifier: GPL-2.0-or-later
// Sections that are arrays of entries, each of which belongs to the code it refers to (kernel include/linux/…,
// arch/*/include/asm/…). An architecture has a table of them, one row a section; whatever any part of the program has
// to know about such a section is a column here, and no column has a default. A row cites the structure of its entries.
#pragma once

#include <cstdint>
#include <string_view>

#include "arch/range.hpp"

namespace klp::arch {

// Bytes of an entry.
struct EntrySize {
    std::uint32_t bytes = 0;  // 0: kernels differ
    // What the kernel's own headers are asked then: a C expression, and the header that it needs. Where they do not
    // tell, the distance of the owner fields' relocations does.
    std::string_view expression{};
    std::string_view header{};
};
[[nodiscard]] consteval EntrySize fixed(std::uint32_t bytes) {
    return {bytes, {}, {}};
}
[[nodiscard]] consteval EntrySize probed(std::string_view expression, std::string_view header) {
    return {0, expression, header};
}

// Offset in the entry of the relocated field that names the code the entry belongs to.
enum class OwnerField : std::uint32_t {};

// Bytes of the entry that carry no meaning for the comparison of two compilations (the line of a bug_entry), as offsets
// in the entry. Holds only for entries of `entry_size` bytes: where kernels differ in the size, they differ in the
// place too. Empty: all bytes count.
struct Ignored {
    Range bytes{};
    std::uint32_t entry_size = 0;
};

enum class Origin : std::uint8_t {
    source,   // what was written makes the entry
    derived,  // objtool or the compiler makes it from the code: not compared, only carried along
};

// The static key or static call that an entry names, and the offset of the field that does.
enum class KeyKind : std::uint8_t { none, static_key, static_call };
struct Key {
    KeyKind kind = KeyKind::none;
    std::uint32_t field = 0;
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

// Whether the entries are the addresses of ftrace sites (ftrace_sites.hpp).
enum class Lists : std::uint8_t { other_places, ftrace_sites };

struct SpecialSection {
    constexpr SpecialSection(std::string_view section_name, EntrySize size, OwnerField owner, Ignored ignored_bytes,
                             Origin made_from, Key named_key, Companion other, CodeAtLoad code,
                             TableContent table_content, Sealed seal, ArchEntrySize in_arch_section, FieldBase base,
                             Lists listed) noexcept
        : name(section_name),
          entry_size(size),
          owner_field(static_cast<std::uint32_t>(owner)),
          ignored(ignored_bytes),
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
    Ignored ignored;
    Origin origin;
    Key key;
    Companion companion;
    CodeAtLoad code_at_load;
    TableContent content;
    Sealed sealed;
    std::uint32_t arch_entry_size;
    FieldBase field_base;
    Lists lists;
};

// For the cells of tables.
namespace cells {
inline constexpr Ignored none{};
inline constexpr Key no_key{};
inline constexpr Companion alone{};
inline constexpr ArchEntrySize not_taken{0};
[[nodiscard]] consteval OwnerField at(std::uint32_t offset) {
    return OwnerField{offset};
}
[[nodiscard]] consteval Key static_key(std::uint32_t field) {
    return {KeyKind::static_key, field};
}
[[nodiscard]] consteval Key static_call(std::uint32_t field) {
    return {KeyKind::static_call, field};
}
using enum Origin;
using enum CodeAtLoad;
using enum TableContent;
using enum Sealed;
using enum FieldBase;
using enum Lists;
}  // namespace cells

}  // namespace klp::arch
