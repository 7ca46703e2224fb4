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

void Arch::clear_field(const RelocationInfo& info, MutableBytes field) const noexcept {
    for (std::size_t i = 0; i < info.size; ++i) {
        const std::size_t significance = byte_order() == ByteOrder::little ? i : info.size - 1 - i;
        const auto written = info.bits == 0 ? std::byte{0xff} : static_cast<std::byte>(info.bits >> (8 * significance));
        field[i] &= ~written;
    }
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
