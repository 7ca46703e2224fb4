// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/type_words.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace klp::diff {

namespace {

// Anonymous types within each other, and pointers to pointers: what no program has is a circle.
constexpr int deepest_type = 64;

void check_depth(int depth) {
    if (depth > deepest_type) throw Error({{}, ".debug_info", {}}, "damaged debug information: a type has no end");
}

std::string base_word(const Die& base) {
    const std::uint64_t encoding = base.number(DW_AT_encoding).value_or(0);
    switch (encoding) {
        case DW_ATE_boolean:
            return "bool";
        case DW_ATE_float:
            return fmt::format("float{}", base.byte_size());
        case DW_ATE_complex_float:
            return fmt::format("complex{}", base.byte_size());
        default:
            return fmt::format("int{}", base.byte_size());
    }
}

std::string bound_word(const Die& range) {
    if (const auto count = range.number(DW_AT_count)) return fmt::format("[{}]", *count);
    if (const auto last = range.number(DW_AT_upper_bound)) {
        // GCC says -1 for [0].
        return fmt::format("[{}]", static_cast<std::uint32_t>(*last + 1));
    }
    return range.has(DW_AT_count) || range.has(DW_AT_upper_bound) ? "[?]" : "[]";
}

}  // namespace

std::string bounds_word(const Die& array) {
    std::string bounds;
    array.each_child([&](const Die& range) {
        if (range.tag() == DW_TAG_subrange_type) bounds += bound_word(range);
    });
    // Both are flexible array members.
    return bounds == "[0]" ? "[]" : bounds;
}

bool is_struct_or_union(const Die& type) {
    return type.tag() == DW_TAG_structure_type || type.tag() == DW_TAG_union_type;
}

std::optional<std::uint32_t> TypeWords::type_at(Dwarf_Off offset) const {
    const auto found = by_offset_.find(offset);
    return found == by_offset_.end() ? std::nullopt : std::optional(found->second);
}

std::string TypeWords::word(const std::optional<Die>& type, int depth) const {
    check_depth(depth);
    const auto plain = type ? type->plain() : std::nullopt;
    if (!plain) return "";
    switch (plain->tag()) {
        case DW_TAG_base_type:
            return base_word(*plain);
        case DW_TAG_enumeration_type:
            return fmt::format("int{}", plain->byte_size());
        case DW_TAG_pointer_type:
            return "*" + word(plain->type(), depth + 1);
        case DW_TAG_array_type:
            return array_word(*plain, depth);
        case DW_TAG_subroutine_type:
            return function_word(*plain, depth);
        case DW_TAG_structure_type:
        case DW_TAG_union_type:
            return tagged_word(*plain, depth);
        default:
            return fmt::format("tag{:#x}.{}", plain->tag(), plain->byte_size());
    }
}

std::string TypeWords::array_word(const Die& array, int depth) const {
    return bounds_word(array) + word(array.type(), depth + 1);
}

std::string TypeWords::function_word(const Die& function, int depth) const {
    std::string text = "fn(" + word(function.type(), depth + 1);
    function.each_child([&](const Die& parameter) {
        if (parameter.tag() == DW_TAG_unspecified_parameters) text += ";...";
        if (parameter.tag() == DW_TAG_formal_parameter) text += ";" + word(parameter.type(), depth + 1);
    });
    return text + ")";
}

std::string TypeWords::tagged_word(const Die& type, int depth) const {
    if (const auto known = type_at(type.offset())) {
        const TypeRecord& record = types_.at(*known);
        if (record.kind == TypeRecord::Kind::named_anonymous) return record.name;
    }
    const std::string name = type.name();
    const std::string tag = type.tag() == DW_TAG_structure_type ? "struct" : "union";
    if (!name.empty()) return tag + " " + name;
    std::string text = tag + "{";
    type.each_child([&](const Die& member) {
        if (member.tag() != DW_TAG_member) return;
        text += fmt::format("{}:{};", member.name(), word(member.type(), depth + 1));
    });
    return text + "}";
}

void TypeWords::reach(const std::optional<Die>& type, Path path, const Visit& visit, int depth) const {
    check_depth(depth);
    const auto plain = type ? type->plain() : std::nullopt;
    if (!plain) return;
    if (const auto known = type_at(plain->offset())) return visit(*known, path);
    switch (plain->tag()) {
        case DW_TAG_pointer_type:
            return reach(plain->type(), path == Path::value ? Path::pointer : Path::other, visit, depth + 1);
        case DW_TAG_array_type: {
            const auto element = plain->plain_type();
            const bool has_values = element && element->tag() != DW_TAG_pointer_type;
            return reach(element, has_values ? path : Path::other, visit, depth + 1);
        }
        case DW_TAG_subroutine_type:
            reach(plain->type(), Path::other, visit, depth + 1);
            break;
        case DW_TAG_structure_type:
        case DW_TAG_union_type:
            break;
        default:
            return;
    }
    plain->each_child([&](const Die& each) {
        if (each.tag() == DW_TAG_member || each.tag() == DW_TAG_formal_parameter)
            reach(each.type(), Path::other, visit, depth + 1);
    });
}

}  // namespace klp::diff
