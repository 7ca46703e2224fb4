// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/dynamic_relocations.hpp"

namespace klp::kernel {

namespace {

constexpr std::uint64_t entry_size = 24;   // Elf64_Rela
constexpr std::uint64_t symbol_size = 24;  // Elf64_Sym
constexpr std::uint64_t value_at = 8;      // st_value
constexpr std::uint64_t pointer_size = 8;

// st_value of an entry of .dynsym; 0 of the null symbol.
std::uint64_t symbol_value(const elf::Object& image, const elf::Section& table, std::uint64_t index) {
    if (index == 0) return 0;
    const Location where{image.display_name(), table.name, {}};
    if (table.link == nullptr) throw Error(where, "names symbols, but no symbol table");
    const Bytes value = slice(table.link->content(), index * symbol_size + value_at, pointer_size, where);
    return load<std::uint64_t>(value, image.order());
}

}  // namespace

std::optional<std::vector<std::byte>> with_dynamic_relocations(const elf::Object& image, const elf::Section& section) {
    std::optional<std::vector<std::byte>> content;
    const std::uint64_t size = section.content().size();
    if (size < pointer_size) return content;
    for (const auto& table : image.sections()) {
        if (!table->is_rela() || !table->is_alloc() || table->target != nullptr) continue;
        Cursor cursor(table->content(), image.order(), {image.display_name(), table->name, {}});
        while (cursor.remaining() >= entry_size) {
            const std::uint64_t place = cursor.u64() - section.address;
            const std::uint64_t symbol = cursor.u64() >> 32;
            const std::uint64_t addend = cursor.u64();
            if (place > size - pointer_size) continue;
            // A kernel's are of two kinds, R_*_RELATIVE and the psABI's 64-bit absolute one: S + A.
            if (!content) content.emplace(section.content().begin(), section.content().end());
            store<std::uint64_t>(std::span(*content).subspan(place, pointer_size),
                                 symbol_value(image, *table, symbol) + addend, image.order());
        }
    }
    return content;
}

}  // namespace klp::kernel
