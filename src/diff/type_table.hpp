// SPDX-License-Identifier: GPL-2.0-or-later
// The types of one object, as far as a change of them can matter: what its debug information says, in a form that is
// small enough to be kept beside the object and that two compilations can be compared by.
//
// C's qualifiers and typedefs are gone, an anonymous structure or union is part of what it occurs in, and integers and
// enumerations are told by their size alone: none of these decides where something is.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "elf/object.hpp"

namespace klp::diff {

struct TypeField {
    std::string name;              // with those of the anonymous members it is in: "slots[].key"
    std::uint64_t bit_offset = 0;  // from the start of the type; of union members as of others
    std::uint64_t bit_size = 0;
    // "int4", "bool", "float8", "bits" (a bit-field), "struct foo", "*struct foo", "*" (void *), "[8]int4",
    // "*fn(int4;*struct foo)". The name of a function's return type comes first.
    std::string type;

    bool operator==(const TypeField&) const = default;
};

struct Enumerator {
    std::string name;
    std::int64_t value = 0;

    bool operator==(const Enumerator&) const = default;
};

using TypeIndices = std::set<std::uint32_t>;  // of TypeTable::types

struct TypeRecord {
    enum class Kind : std::uint8_t {
        structure,
        union_,
        enumeration,
        named_anonymous,  // an anonymous structure or union that a typedef names
        variable,         // its type; writable ones alone
    };
    Kind kind = Kind::structure;
    std::string name;        // of an anonymous enumeration its first enumerator
    std::string scope;       // the function that it is declared in; empty: the file
    std::string file;        // that it is declared in, as the compiler was told; empty: not known
    std::uint64_t line = 0;  // that it is declared at; 0: not known
    std::uint64_t size = 0;  // bytes
    std::vector<TypeField> fields;
    std::vector<Enumerator> enumerators;
    TypeIndices refers_to;  // that members have or point to

    [[nodiscard]] std::string word() const;   // "struct foo", as TypeField::type has it
    [[nodiscard]] std::string title() const;  // for people, with the function that it is in
    bool operator==(const TypeRecord&) const = default;
};

// A function that the object has code of, with all that is inlined into it.
struct TypeUser {
    std::string name;
    bool is_external = false;  // other files may call it
    TypeIndices values;        // of local variables and parameters
    TypeIndices parameters;    // that a parameter points to
    TypeIndices others;        // in any other way: local pointers, what it returns

    [[nodiscard]] bool mentions(std::uint32_t type) const;
    bool operator==(const TypeUser&) const = default;
};

struct TypeTable {
    std::vector<TypeRecord> types;  // complete ones
    std::vector<TypeUser> functions;
    TypeIndices of_variables;  // that variables with a place in memory have or point to
    // Static variables that have no place: nothing writes to them, or nothing reads them. Those of functions only where
    // they are taken for a constant.
    std::set<std::string, std::less<>> placeless;

    // Whether there is debug information that read() can take.
    [[nodiscard]] static bool is_in(const elf::Object& object);
    // Error: debug information that is damaged.
    [[nodiscard]] static TypeTable read(const elf::Object& object);

    // Of text(): whoever keeps texts notes it down, and changes of the text change it.
    static constexpr std::string_view format = "types 5";
    // For keeping; parse() gives the same table. Error: `where` is not such a text.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] static TypeTable parse(std::string_view text, const Location& where);

    bool operator==(const TypeTable&) const = default;
};

}  // namespace klp::diff
