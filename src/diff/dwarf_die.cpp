// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/dwarf_die.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace klp::diff {

namespace {

// More qualifiers and typedefs than any program has: they go round in a circle.
constexpr int longest_chain = 256;

[[noreturn]] void fail_dwarf(std::string_view what) {
    const char* message = dwarf_errmsg(0);
    throw Error({{}, ".debug_info", {}},
                fmt::format("damaged debug information: {}{}{}", what, message == nullptr ? "" : ": ",
                            message == nullptr ? "" : message));
}

std::string word_of(const char* text) {
    std::string word = text == nullptr ? "" : text;
    std::ranges::replace_if(
        word, [](unsigned char each) { return each <= ' '; }, '_');
    return word;
}

bool is_transparent(int tag) {
    return tag == DW_TAG_typedef || tag == DW_TAG_const_type || tag == DW_TAG_volatile_type ||
           tag == DW_TAG_restrict_type || tag == DW_TAG_atomic_type;
}

std::optional<Die> referred_to(Dwarf_Attribute* attribute) {
    if (attribute == nullptr) return std::nullopt;
    Dwarf_Die found;
    if (dwarf_formref_die(attribute, &found) == nullptr) fail_dwarf("a reference leads nowhere");
    return Die(found);
}

}  // namespace

std::string Die::name() const {
    return word_of(dwarf_diename(&die_));
}

std::string Die::declared_in() const {
    return has(DW_AT_decl_file) ? word_of(dwarf_decl_file(&die_)) : std::string();
}

std::string Die::linkage_name() const {
    Dwarf_Attribute attribute;
    if (dwarf_attr_integrate(&die_, DW_AT_linkage_name, &attribute) == nullptr) return name();
    return word_of(dwarf_formstring(&attribute));
}

std::optional<std::uint64_t> Die::number(unsigned attribute) const {
    Dwarf_Attribute found;
    Dwarf_Word value = 0;
    if (dwarf_attr(&die_, attribute, &found) == nullptr || dwarf_formudata(&found, &value) != 0) return std::nullopt;
    return value;
}

std::optional<std::int64_t> Die::constant_value() const {
    Dwarf_Attribute found;
    if (dwarf_attr(&die_, DW_AT_const_value, &found) == nullptr) return std::nullopt;
    // A fixed-size form does not tell its sign; compilers write negative values in the others.
    const unsigned form = dwarf_whatform(&found);
    if (form == DW_FORM_sdata || form == DW_FORM_implicit_const) {
        Dwarf_Sword value = 0;
        return dwarf_formsdata(&found, &value) == 0 ? std::optional<std::int64_t>(value) : std::nullopt;
    }
    Dwarf_Word value = 0;
    if (dwarf_formudata(&found, &value) != 0) return std::nullopt;
    return static_cast<std::int64_t>(value);
}

std::optional<Die> Die::reference(unsigned attribute) const {
    Dwarf_Attribute found;
    return referred_to(dwarf_attr(&die_, attribute, &found));
}

std::optional<Die> Die::type() const {
    Dwarf_Attribute found;
    return referred_to(dwarf_attr_integrate(&die_, DW_AT_type, &found));
}

std::optional<Die> Die::plain() const {
    std::optional<Die> found = *this;
    for (int i = 0; found && is_transparent(found->tag()); ++i) {
        if (i == longest_chain) fail_dwarf("a typedef of itself");
        found = found->type();
    }
    return found;
}

std::optional<Die> Die::plain_type() const {
    const auto found = type();
    return found ? found->plain() : std::nullopt;
}

std::uint64_t Die::byte_size() const {
    Dwarf_Word size = 0;
    return dwarf_aggregate_size(&die_, &size) == 0 ? size : 0;
}

bool Die::is_external() const {
    Dwarf_Attribute found;
    return dwarf_attr_integrate(&die_, DW_AT_external, &found) != nullptr;
}

bool Die::has_address() const {
    Dwarf_Attribute found;
    Dwarf_Block block;
    if (dwarf_attr(&die_, DW_AT_location, &found) == nullptr || dwarf_whatform(&found) != DW_FORM_exprloc) return false;
    return dwarf_formblock(&found, &block) == 0 && block.length > 0 && block.data[0] == DW_OP_addr;
}

std::optional<std::uint64_t> Die::address() const {
    Dwarf_Attribute found;
    Dwarf_Op* operations = nullptr;
    std::size_t count = 0;
    if (!has_address() || dwarf_attr(&die_, DW_AT_location, &found) == nullptr) return std::nullopt;
    if (dwarf_getlocation(&found, &operations, &count) != 0) fail_dwarf("a location");
    return count == 1 ? std::optional<std::uint64_t>(operations->number) : std::nullopt;
}

std::optional<std::uint64_t> Die::integrated_number(unsigned attribute) const {
    Dwarf_Attribute found;
    Dwarf_Word value = 0;
    if (dwarf_attr_integrate(&die_, attribute, &found) == nullptr || dwarf_formudata(&found, &value) != 0)
        return std::nullopt;
    return value;
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> Die::ranges() const {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> result;
    Dwarf_Addr base = 0;
    Dwarf_Addr begin = 0;
    Dwarf_Addr end = 0;
    std::ptrdiff_t at = 0;
    while ((at = dwarf_ranges(&die_, at, &base, &begin, &end)) > 0) result.emplace_back(begin, end);
    if (at < 0) fail_dwarf("a list of ranges");
    return result;
}

void Die::each_child(const std::function<void(const Die&)>& visit) const {
    Dwarf_Die child;
    int more = dwarf_child(&die_, &child);
    while (more == 0) {
        visit(Die(child));
        more = dwarf_siblingof(&child, &child);
    }
    if (more < 0) fail_dwarf("a list of entries has no end");
}

std::uint64_t bit_offset_of(const Die& member, bool is_big_endian) {
    const std::uint64_t bytes = member.number(DW_AT_data_member_location).value_or(0);
    if (const auto bits = member.number(DW_AT_data_bit_offset)) return bytes * 8 + *bits;
    const auto from_the_top = member.number(DW_AT_bit_offset);  // before DWARF 4
    if (!from_the_top || is_big_endian) return bytes * 8 + from_the_top.value_or(0);
    const auto type = member.plain_type();
    const std::uint64_t unit = member.number(DW_AT_byte_size).value_or(type ? type->byte_size() : 0);
    return (bytes + unit) * 8 - *from_the_top - member.number(DW_AT_bit_size).value_or(0);
}

void each_unit(Dwarf* dwarf, const std::function<void(const Die&)>& visit) {
    Dwarf_Off at = 0;
    Dwarf_Off next = 0;
    std::size_t header = 0;
    int more = 0;
    while ((more = dwarf_nextcu(dwarf, at, &next, &header, nullptr, nullptr, nullptr)) == 0) {
        Dwarf_Die unit;
        if (dwarf_offdie(dwarf, at + header, &unit) == nullptr) fail_dwarf("a unit without entries");
        visit(Die(unit));
        at = next;
    }
    if (more < 0) fail_dwarf("a unit's header");
}

}  // namespace klp::diff
