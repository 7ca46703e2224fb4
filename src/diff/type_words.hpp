// SPDX-License-Identifier: GPL-2.0-or-later
// Types of debug information as the words of TypeField::type, and which types a type leads to.
#pragma once

#include <functional>
#include <unordered_map>

#include "diff/dwarf_die.hpp"
#include "diff/type_table.hpp"

namespace klp::diff {

class TypeWords {
public:
    explicit TypeWords(const std::vector<TypeRecord>& types) : types_(types) {}

    // Debug information that is found at `offset` describes a type of the table.
    void name(Dwarf_Off offset, std::uint32_t type) { by_offset_[offset] = type; }
    [[nodiscard]] std::optional<std::uint32_t> type_at(Dwarf_Off offset) const;

    [[nodiscard]] std::string word(const std::optional<Die>& type) const { return word(type, 0); }

    // How one gets from a value to a type.
    enum class Path : std::uint8_t { value, pointer, other };
    using Visit = std::function<void(std::uint32_t type, Path path)>;
    // The types of the table that come first on each way.
    void reach(const std::optional<Die>& type, const Visit& visit) const { reach(type, Path::value, visit, 0); }

private:
    [[nodiscard]] std::string word(const std::optional<Die>& type, int depth) const;
    [[nodiscard]] std::string array_word(const Die& array, int depth) const;
    [[nodiscard]] std::string function_word(const Die& function, int depth) const;
    [[nodiscard]] std::string tagged_word(const Die& type, int depth) const;
    void reach(const std::optional<Die>& type, Path path, const Visit& visit, int depth) const;

    const std::vector<TypeRecord>& types_;
    std::unordered_map<Dwarf_Off, std::uint32_t> by_offset_;
};

// "[8]", "[2][4]"; "[]" where the bound is left open, "[?]" where it is no constant.
[[nodiscard]] std::string bounds_word(const Die& array);

[[nodiscard]] bool is_struct_or_union(const Die& type);

}  // namespace klp::diff
