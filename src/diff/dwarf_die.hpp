// SPDX-License-Identifier: GPL-2.0-or-later
// An entry of debug information, with libdw's answers as values. Damaged debug information is an Error.
#pragma once

#include <dwarf.h>
#include <elfutils/libdw.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace klp::diff {

class Die {
public:
    explicit Die(const Dwarf_Die& die) : die_(die) {}

    [[nodiscard]] int tag() const { return dwarf_tag(&die_); }
    [[nodiscard]] Dwarf_Off offset() const { return dwarf_dieoffset(&die_); }
    // With that of the entry that this one is an instance of; empty where it has none.
    [[nodiscard]] std::string name() const;
    [[nodiscard]] std::string linkage_name() const;  // name() where the assembler's is the same
    [[nodiscard]] std::string declared_in() const;   // the file; empty where it is not known
    [[nodiscard]] bool has(unsigned attribute) const { return dwarf_hasattr(&die_, attribute) != 0; }
    [[nodiscard]] std::optional<std::uint64_t> number(unsigned attribute) const;  // nullopt: none, or no constant
    [[nodiscard]] std::optional<std::int64_t> constant_value() const;             // DW_AT_const_value
    [[nodiscard]] std::optional<Die> reference(unsigned attribute) const;
    // Of the entry, or of the one that it is an instance of; nullopt: void.
    [[nodiscard]] std::optional<Die> type() const;
    // type() without qualifiers and typedefs.
    [[nodiscard]] std::optional<Die> plain_type() const;
    [[nodiscard]] std::optional<Die> plain() const;              // the same of the entry itself
    [[nodiscard]] std::uint64_t byte_size() const;               // 0 where it is not known
    [[nodiscard]] bool is_external() const;                      // also where the entry is an instance of one that is
    [[nodiscard]] bool has_address() const;                      // a variable with a place in memory of its own
    [[nodiscard]] std::optional<std::uint64_t> address() const;  // that place
    // As number(), or of the entry that this one is an instance of.
    [[nodiscard]] std::optional<std::uint64_t> integrated_number(unsigned attribute) const;
    [[nodiscard]] std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges() const;  // of its code; may be none
    [[nodiscard]] Dwarf_Die raw() const { return die_; }

    void each_child(const std::function<void(const Die&)>& visit) const;

private:
    mutable Dwarf_Die die_;  // libdw's functions take pointers to what they do not change
};

// Where a field of a structure or union begins, from the start of what holds it.
[[nodiscard]] std::uint64_t bit_offset_of(const Die& member, bool is_big_endian);

// Calls `visit` for each compilation unit.
void each_unit(Dwarf* dwarf, const std::function<void(const Die&)>& visit);

}  // namespace klp::diff
