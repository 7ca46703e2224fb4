// SPDX-License-Identifier: GPL-2.0-or-later
// Which role a section plays, by its flags and by the names of include/asm-generic/vmlinux.lds.h.
#include <elf.h>

#include <algorithm>
#include <array>

#include "diff/directives.hpp"
#include "diff/names.hpp"
#include "diff/piece.hpp"

namespace klp::diff {

namespace {

bool is_any_of(std::string_view name, std::span<const std::string_view> prefixes) {
    return std::ranges::any_of(prefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// "`.data` or `.data.…`", but not `.database`.
bool is_named_or_below(std::string_view name, std::string_view parent) {
    return name.starts_with(parent) && (name.size() == parent.size() || name[parent.size()] == '.');
}

// Names of exported symbols and their CRCs go with ___ksymtab entries, which tell the same; unwind tables are
// dropped by the kernel's linker scripts; the index of messages is for people (kernel/printk/index.c).
bool is_ignored(const elf::Section& section) {
    static constexpr std::array<std::string_view, 5> prefixes = {"__ksymtab_strings", "___kcrctab", "__kcrctab",
                                                                 ".eh_frame", ".printk_index"};
    return !section.is_alloc() || section.is_rela() || section.type == SHT_NOTE ||
           arch::is_discarded_section(section.name) || is_any_of(section.name, prefixes) ||
           is_directive_section(section);
}

// lib/ubsan.h: struct source_location { const char *file_name; u32 line, column; }
constexpr std::uint64_t source_location_size = 16;

bool is_companion(const arch::Arch& architecture, std::string_view name) {
    return std::ranges::any_of(architecture.special_sections(),
                               [&](const arch::SpecialSection& each) { return each.companion.name == name; });
}

Role role_of_code(const elf::Section& section) {
    if (section.name.starts_with(".init.")) return Role::init_code;
    if (section.name.starts_with(".exit.")) return Role::exit_code;
    return Role::code;
}

Role role_of_data(const elf::Section& section) {
    static constexpr std::array<std::string_view, 6> init = {".init.", ".initcall", ".con_initcall",
                                                             ".exit.", ".exitcall", ".security_initcall"};
    static constexpr std::array<std::string_view, 2> constants = {".rodata", ".data.rel.ro"};
    static constexpr std::array<std::string_view, 5> data = {".data", ".bss", ".ref.data", "__tracepoint_str",
                                                             "__trace_printk_fmt"};
    const std::string_view name = section.name;
    if (is_any_of(name, init)) return Role::init_data;
    if (is_address_table(section) || is_sanitizer_data(section)) return Role::constant;
    const bool is_rodata = std::ranges::any_of(constants, [&](auto each) { return is_named_or_below(name, each); });
    const bool is_mergeable = (section.flags & SHF_MERGE) != 0 && section.entry_size != 0;
    if (is_mergeable && is_rodata && section.rela().empty()) return Role::literal;
    if (is_rodata) return Role::constant;
    if (is_debug_descriptor_section(name)) return Role::data;
    const bool is_data = std::ranges::any_of(data, [&](auto each) { return is_named_or_below(name, each); });
    if (!is_data) return Role::table;
    return section.is_writable() ? Role::data : Role::constant;
}

}  // namespace

// It writes into them that it has,
// once: a copy may tell the same again. The assembler drops their names and leaves those of their sections, which clang
// makes of everything without a name: there the name of the source file comes first.
bool is_sanitizer_data(const elf::Section& section) {
    if (section.name.starts_with(".data..Lubsan_")) return true;
    if (!section.name.starts_with(".data..L__unnamed_") || section.size() < source_location_size) return false;
    const auto file = std::ranges::find(section.rela(), 0U, &elf::Relocation::offset);
    return file != section.rela().end() && file->symbol->section != nullptr && file->symbol->section->is_strings();
}

bool is_address_table(const elf::Section& section) {
    return section.name == ".toc";
}

Role role_of(const elf::Section& section, const arch::Arch& architecture) {
    if (is_ignored(section)) return Role::ignored;
    if (architecture.special_section(section.name) != nullptr || is_companion(architecture, section.name))
        return Role::special;
    // Before the flags: ppc64's are not marked as code.
    if (architecture.is_code_pool(section.name)) return Role::code_pool;
    return section.is_code() ? role_of_code(section) : role_of_data(section);
}

}  // namespace klp::diff
