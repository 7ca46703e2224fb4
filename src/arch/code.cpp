// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/code.hpp"

#include <algorithm>
#include <bit>

namespace klp::arch {

namespace {

std::uint64_t number_of(Bytes field, ByteOrder order) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < field.size(); ++i) {
        const std::size_t at = order == ByteOrder::little ? field.size() - 1 - i : i;
        value = (value << 8) | std::to_integer<std::uint64_t>(field[at]);
    }
    return value;
}

}  // namespace

Location location_of(const elf::Section& section, std::uint64_t offset) {
    return {"", section.name, offset};
}

Bytes code_of(const elf::Section& section, Range function) {
    if (function.end < function.begin)
        throw Error(location_of(section, function.begin), "function ends before it begins");
    return slice(section.content(), function.begin, function.size(), location_of(section, function.begin));
}

void check_target(const elf::Section& section, std::uint64_t offset, std::uint64_t target) {
    if (target > section.size())
        throw Error(location_of(section, offset), "branch without a relocation leaves its section");
}

const elf::Relocation* relocation_at(const elf::Section& section, std::uint64_t offset) {
    const auto all = section.rela();
    const auto found = std::ranges::find(all, offset, &elf::Relocation::offset);
    return found == all.end() ? nullptr : &*found;
}

bool is_listed_in(std::string_view section_name, const elf::Object& object, const elf::Section& code,
                  std::uint64_t offset) {
    for (const auto& section : object.sections()) {
        if (section->name != section_name) continue;
        for (const elf::Relocation& relocation : section->rela()) {
            const elf::Symbol& symbol = *relocation.symbol;
            if (symbol.section == &code && symbol.value + static_cast<std::uint64_t>(relocation.addend) == offset)
                return true;
        }
    }
    return false;
}

std::optional<std::uint64_t> read_target(const RelocationInfo& info, ByteOrder order, Bytes field, std::uint64_t place,
                                         std::int64_t addend) {
    const bool readable = info.formula == Formula::absolute || info.formula == Formula::pc_relative;
    if (!readable || info.size == 0 || field.size() < info.size) return std::nullopt;
    const std::uint64_t bits = info.bits != 0 ? info.bits : ~std::uint64_t{0} >> (64U - 8U * info.size);
    std::uint64_t value = (number_of(field.first(info.size), order) & bits) >> std::countr_zero(bits);
    if (info.is_signed) value = static_cast<std::uint64_t>(sign_extend(value, std::popcount(bits)));
    const std::uint64_t base = info.formula == Formula::pc_relative ? place : 0;
    return (value << info.scale) + base - static_cast<std::uint64_t>(addend);
}

}  // namespace klp::arch
