// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/arch.hpp"

#include <algorithm>

namespace klp::arch {

const SpecialSection* Arch::special_section(std::string_view name) const noexcept {
    for (const SpecialSection& section : special_sections()) {
        if (section.name == name) return &section;
    }
    return nullptr;
}

bool Arch::has_arch_section(std::string_view name) const noexcept {
    const SpecialSection* table = special_section(name);
    return table != nullptr && table->arch_entry_size != 0;
}

namespace {

// Of byte `i` of a field, the bits that its relocation writes.
std::byte written_bits(const RelocationInfo& info, ByteOrder order, std::size_t i) noexcept {
    if (info.bits == 0) return std::byte{0xff};
    const std::size_t significance = order == ByteOrder::little ? i : info.size - 1 - i;
    return static_cast<std::byte>(info.bits >> (8 * significance));
}

}  // namespace

void Arch::clear_field(const RelocationInfo& info, MutableBytes field) const noexcept {
    for (std::size_t i = 0; i < info.size; ++i) field[i] &= ~written_bits(info, byte_order(), i);
}

bool Arch::same_beside(const RelocationInfo& info, Bytes a, Bytes b) const noexcept {
    for (std::size_t i = 0; i < info.size; ++i)
        if (((a[i] ^ b[i]) & ~written_bits(info, byte_order(), i)) != std::byte{0}) return false;
    return true;
}

Use Arch::use_of(const elf::Section& section, Range function, const elf::Relocation& relocation) const {
    if (!section.is_code()) return Use::address;
    return is_branch(section, function, relocation) ? Use::branch : use_of_operand(section, function, relocation);
}

std::optional<Argument> Arch::argument_of(const elf::Section&, Range, const elf::Relocation&) const {
    return std::nullopt;
}

bool Arch::is_code_pool(std::string_view section_name) const noexcept {
    return std::ranges::any_of(code_pools(), [&](std::string_view pool) {
        const bool is_family = pool.ends_with('*');
        return is_family ? section_name.starts_with(pool.substr(0, pool.size() - 1)) : section_name == pool;
    });
}

bool is_discarded_section(std::string_view name) noexcept {
    return name == ".discard" || name.starts_with(".discard.");
}

}  // namespace klp::arch
