// SPDX-License-Identifier: GPL-2.0-or-later
// TypeTable::read(): first which types there are, then what they consist of, then who uses them.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_set>

#include "base/error.hpp"
#include "diff/debug_image.hpp"
#include "diff/type_table.hpp"
#include "diff/type_words.hpp"

namespace klp::diff {

namespace {

using Kind = TypeRecord::Kind;

constexpr int deepest_block = 256;  // of blocks in functions, and of anonymous members

bool is_block(const Die& die) {
    return die.tag() == DW_TAG_lexical_block || die.tag() == DW_TAG_inlined_subroutine;
}

// Whether writing to it is an error of the compiler: a constant that changes is replaced, not reinterpreted.
bool is_constant(std::optional<Die> type) {
    for (int i = 0; type && i < deepest_block; ++i) {
        if (type->tag() == DW_TAG_const_type) return true;
        if (type->tag() != DW_TAG_typedef && type->tag() != DW_TAG_array_type && type->tag() != DW_TAG_volatile_type)
            return false;
        type = type->type();
    }
    return false;
}

class TypeReader {
public:
    explicit TypeReader(const elf::Object& object)
        : image_(object), is_big_endian_(object.order() == ByteOrder::big), words_(table_.types) {}

    TypeTable run() {
        each_unit(image_.dwarf(), [&](const Die& unit) { find_types(unit, "", 0); });
        name_by_typedefs();
        for (const auto& [type, die] : found_) fill(table_.types[type], die);
        each_unit(image_.dwarf(), [&](const Die& unit) {
            unit.each_child([&](const Die& each) {
                if (each.tag() == DW_TAG_variable) add_variable(each, "");
                if (each.tag() == DW_TAG_subprogram && (each.has(DW_AT_low_pc) || each.has(DW_AT_ranges)))
                    add_function(each);
            });
        });
        for (auto& [name, user] : users_) table_.functions.push_back(std::move(user));
        return std::move(table_);
    }

private:
    // Types.
    void find_types(const Die& parent, const std::string& scope, int depth) {
        if (depth > deepest_block)
            throw Error({{}, ".debug_info", {}}, "damaged debug information: blocks have no end");
        parent.each_child([&](const Die& each) {
            if (is_struct_or_union(each) || each.tag() == DW_TAG_enumeration_type)
                find_type(each, scope);
            else if (each.tag() == DW_TAG_typedef)
                typedefs_.push_back(each);
            else if (each.tag() == DW_TAG_subprogram)
                find_types(each, each.name(), depth + 1);
            else if (is_block(each))
                find_types(each, scope, depth + 1);
            else if (each.tag() == DW_TAG_variable)
                note_placeless(each, scope.empty());
        });
    }

    // Automatic variables have no place either, but a constant value only where they keep the one they begin with.
    void note_placeless(const Die& variable, bool is_of_file) {
        if (variable.has(DW_AT_declaration) || variable.has_address() || variable.name().empty()) return;
        if (is_of_file || variable.has(DW_AT_const_value)) table_.placeless.insert(variable.name());
    }

    void find_type(const Die& die, const std::string& scope) {
        if (die.has(DW_AT_declaration)) return;
        const Kind kind = die.tag() == DW_TAG_structure_type ? Kind::structure
                          : die.tag() == DW_TAG_union_type   ? Kind::union_
                                                             : Kind::enumeration;
        std::string name = die.name();
        scopes_[die.offset()] = scope;
        if (name.empty() && kind == Kind::enumeration) {
            die.each_child([&](const Die& each) {
                if (name.empty() && each.tag() == DW_TAG_enumerator) name = each.name();
            });
        }
        if (!name.empty()) add_type(die, kind, std::move(name), scope);
    }

    void add_type(const Die& die, Kind kind, std::string name, std::string scope) {
        const auto index = static_cast<std::uint32_t>(table_.types.size());
        TypeRecord& made = table_.types.emplace_back();
        made.kind = kind;
        made.name = std::move(name);
        made.scope = std::move(scope);
        made.line = die.number(DW_AT_decl_line).value_or(0);
        made.file = die.declared_in();
        words_.name(die.offset(), index);
        found_.emplace_back(index, die);
    }

    void name_by_typedefs() {
        for (const Die& each : typedefs_) {
            const auto type = each.plain_type();
            if (!type || !type->name().empty() || type->has(DW_AT_declaration)) continue;
            const auto known = words_.type_at(type->offset());
            const auto scope = scopes_.find(type->offset());
            if (!known && is_struct_or_union(*type))
                add_type(*type, Kind::named_anonymous, each.name(), scope == scopes_.end() ? "" : scope->second);
        }
    }

    void fill(TypeRecord& record, const Die& die) {
        record.size = die.byte_size();
        if (record.kind == Kind::enumeration) {
            die.each_child([&](const Die& each) {
                if (each.tag() != DW_TAG_enumerator) return;
                record.enumerators.push_back({each.name(), each.constant_value().value_or(0)});
            });
            return;
        }
        add_fields(record, die, "", 0, 0);
        die.each_child([&](const Die& member) {
            if (member.tag() != DW_TAG_member) return;
            words_.reach(member.type(), [&](std::uint32_t type, TypeWords::Path) { record.refers_to.insert(type); });
        });
    }

    void add_fields(TypeRecord& record, const Die& aggregate, const std::string& prefix, std::uint64_t base,
                    int depth) {
        if (depth > deepest_block) throw Error({{}, ".debug_info", {}}, "damaged debug information: a type has no end");
        aggregate.each_child([&](const Die& member) {
            if (member.tag() != DW_TAG_member) return;
            add_field(record, member.type(), member.number(DW_AT_bit_size), prefix + member.name(),
                      base + bit_offset_of(member, is_big_endian_), depth);
        });
    }

    void add_field(TypeRecord& record, const std::optional<Die>& type, std::optional<std::uint64_t> bits,
                   const std::string& name, std::uint64_t at, int depth) {
        const auto plain = type ? type->plain() : std::nullopt;
        if (!plain) return;
        const std::uint64_t size = plain->byte_size() * 8;
        const auto element = plain->tag() == DW_TAG_array_type ? plain->plain_type() : std::nullopt;
        if (is_anonymous(*plain)) {
            const bool is_unnamed = name.empty() || name.ends_with('.');
            add_fields(record, *plain, is_unnamed ? name : name + ".", at, depth + 1);
        } else if (element && is_anonymous(*element)) {
            record.fields.push_back(
                {name, at, size, fmt::format("{}{{{}}}", bounds_word(*plain), element->byte_size())});
            add_fields(record, *element, name + "[].", at, depth + 1);
        } else {
            record.fields.push_back({name, at, bits.value_or(size), bits ? "bits" : words_.word(type)});
        }
    }

    [[nodiscard]] bool is_anonymous(const Die& type) const {
        return is_struct_or_union(type) && type.name().empty() && !words_.type_at(type.offset());
    }

    // Users.
    void add_variable(const Die& variable, const std::string& scope) {
        const auto type = variable.type();
        words_.reach(type, [&](std::uint32_t each, TypeWords::Path) { table_.of_variables.insert(each); });
        if (variable.has(DW_AT_declaration) || is_constant(type) || variable.name().empty()) return;
        TypeRecord record;
        record.kind = Kind::variable;
        record.name = variable.name();
        record.scope = scope;
        const auto plain = type ? type->plain() : std::nullopt;
        record.size = plain ? plain->byte_size() : 0;
        add_field(record, type, std::nullopt, "", 0, 0);
        table_.types.push_back(std::move(record));
    }

    void add_function(const Die& function) {
        TypeUser& user = users_[function.linkage_name()];
        user.name = function.linkage_name();
        user.is_external = function.is_external();
        std::unordered_set<Dwarf_Off> seen;
        add_instance(function, user, seen);
    }

    // What is declared in a function or in one that is inlined, and in the entry that both are instances of: an
    // instance need not list what the compiler made disappear.
    void add_instance(const Die& instance, TypeUser& user, std::unordered_set<Dwarf_Off>& seen) {
        add_declarations(instance, user, seen, 0);
        const auto origin = instance.reference(DW_AT_abstract_origin);
        if (!origin || seen.insert(origin->offset()).second) add_returned(instance, user);
        if (origin && seen.insert(origin->offset() + 1).second) add_declarations(*origin, user, seen, 0);
    }

    void add_returned(const Die& instance, TypeUser& user) {
        words_.reach(instance.type(), [&](std::uint32_t type, TypeWords::Path) { user.others.insert(type); });
    }

    void add_declarations(const Die& block, TypeUser& user, std::unordered_set<Dwarf_Off>& seen, int depth) {
        if (depth > deepest_block)
            throw Error({{}, ".debug_info", {}}, "damaged debug information: blocks have no end");
        block.each_child([&](const Die& each) {
            if (each.tag() == DW_TAG_formal_parameter) {
                add_use(each, user, user.parameters);
            } else if (each.tag() == DW_TAG_variable && (each.has_address() || each.has(DW_AT_external))) {
                add_variable(each, user.name);
                add_use(each, user, user.others);
            } else if (each.tag() == DW_TAG_variable) {
                add_use(each, user, user.others);
            } else if (each.tag() == DW_TAG_lexical_block) {
                add_declarations(each, user, seen, depth + 1);
            } else if (each.tag() == DW_TAG_inlined_subroutine) {
                add_instance(each, user, seen);
            }
        });
    }

    void add_use(const Die& variable, TypeUser& user, TypeIndices& of_pointers) const {
        words_.reach(variable.type(), [&](std::uint32_t type, TypeWords::Path path) {
            if (path == TypeWords::Path::value) user.values.insert(type);
            if (path == TypeWords::Path::pointer) of_pointers.insert(type);
            if (path == TypeWords::Path::other) user.others.insert(type);
        });
    }

    const DebugImage image_;
    const bool is_big_endian_;
    TypeTable table_;
    TypeWords words_;
    std::vector<std::pair<std::uint32_t, Die>> found_;
    std::vector<Die> typedefs_;
    std::unordered_map<Dwarf_Off, std::string> scopes_;
    std::map<std::string, TypeUser> users_;
};

}  // namespace

bool TypeTable::is_in(const elf::Object& object) {
    return DebugImage::is_in(object);
}

TypeTable TypeTable::read(const elf::Object& object) {
    try {
        return TypeReader(object).run();
    } catch (const Error& error) {
        throw Error({object.display_name(), error.where().section, error.where().offset}, error.message());
    }
}

}  // namespace klp::diff
