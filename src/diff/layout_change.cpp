// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/layout_change.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"

namespace klp::diff {

namespace {

using MemberKind = MemberChange::Kind;

std::string_view change_word(MemberKind kind) {
    switch (kind) {
        case MemberKind::added:
            return "added";
        case MemberKind::removed:
            return "removed";
        case MemberKind::moved:
            return "moved";
        case MemberKind::retyped:
            return "type";
        case MemberKind::renumbered:
            return "value";
        case MemberKind::resized:
            return "size";
    }
    return "";
}

std::string place(const MemberChange::Side& side) {
    if (side.bit_offset % 8 == 0 && side.bit_size % 8 == 0) return fmt::format("{:#x}", side.bit_offset / 8);
    return fmt::format("{:#x} bit {}", side.bit_offset / 8, side.bit_offset % 8);
}

std::string extent(const MemberChange::Side& side) {
    return side.bit_size % 8 == 0 ? fmt::format("{} bytes", side.bit_size / 8) : fmt::format("{} bits", side.bit_size);
}

// "struct foo *" for "*struct foo", "int4[8]" for "[8]int4".
std::string type_text(const std::string& type) {
    if (type.starts_with("*fn(")) return "pointer to " + type.substr(1);
    if (type.starts_with('*')) return (type.size() == 1 ? "void" : type_text(type.substr(1))) + " *";
    const std::size_t bounds = type.starts_with('[') ? type.rfind(']') + 1 : 0;
    return type.substr(bounds) + type.substr(0, bounds);
}

std::string what(const MemberChange::Side& side) {
    const bool is_integer = side.type.starts_with("int") && side.type.size() == 4;
    if (side.type == "bits" || is_integer) return "an integer of " + extent(side);
    return type_text(side.type);
}

std::string description(const MemberChange& change) {
    const auto& [kind, name, original, patched] = change;
    switch (kind) {
        case MemberKind::added:
            return fmt::format("member '{}' added at offset {}, {}", name, place(*patched), extent(*patched));
        case MemberKind::removed:
            if (original->type.empty()) return fmt::format("enumerator '{}' ({}) removed", name, original->value);
            return fmt::format("member '{}' removed, was at offset {}, {}", name, place(*original), extent(*original));
        case MemberKind::moved:
            return fmt::format("member '{}' moved from offset {} to {}", name, place(*original), place(*patched));
        case MemberKind::retyped: {
            const std::string subject = name.empty() ? "it" : fmt::format("member '{}'", name);
            return fmt::format("{} was {} at offset {}, is {} at offset {}", subject, what(*original), place(*original),
                               what(*patched), place(*patched));
        }
        case MemberKind::renumbered:
            if (!patched)
                return fmt::format("enumerator '{}' was {}, is a macro whose number is not known here", name,
                                   original->value);
            return fmt::format("enumerator '{}' was {}, is {}", name, original->value, patched->value);
        case MemberKind::resized:
            return "the members are where they were";
    }
    return "";
}

Json side_json(const std::optional<MemberChange::Side>& side, bool is_enumerator) {
    if (!side) return {};
    if (is_enumerator) return {{"value", side->value}};
    Json json = {{"offset", side->bit_offset / 8}, {"size", (side->bit_size + 7) / 8}, {"type", type_text(side->type)}};
    if (side->type == "bits") {
        json["bit_offset"] = side->bit_offset % 8;
        json["bit_size"] = side->bit_size;
    }
    return json;
}

Json member_json(const MemberChange& change) {
    const bool is_enumerator = change.original && change.original->type.empty();
    return {{"name", change.name},
            {"change", change_word(change.kind)},
            {"original", side_json(change.original, is_enumerator)},
            {"patched", side_json(change.patched, is_enumerator)}};
}

}  // namespace

std::vector<std::string> descriptions(const LayoutChange& change) {
    std::vector<std::string> texts;
    for (const MemberChange& each : change.members) texts.push_back(description(each));
    if (change.original_size != change.patched_size)
        texts.push_back(fmt::format("size was {} bytes, is {}", change.original_size, change.patched_size));
    return texts;
}

Json layout_json(const LayoutChange& change) {
    Json members = Json::array();
    for (const MemberChange& each : change.members) {
        if (each.kind != MemberKind::resized) members.push_back(member_json(each));
    }
    return {{"type", change.type},
            {"name", change.name},
            {"size", {{"original", change.original_size}, {"patched", change.patched_size}}},
            {"members", std::move(members)},
            {"functions", change.functions}};
}

void check_accepted(const std::set<std::string, std::less<>>& accepted, const std::vector<const TypeTable*>& tables,
                    const std::vector<LayoutChange>& used, Diagnostics& diagnostics) {
    for (const std::string& name : accepted) {
        if (std::ranges::find(used, name, &LayoutChange::name) != used.end()) continue;
        const auto has_type = [&](const TypeTable* table) {
            return std::ranges::find(table->types, name, &TypeRecord::name) != table->types.end();
        };
        if (std::ranges::any_of(tables, has_type)) {
            diagnostics.warning(
                "diff.accept-unused", {},
                fmt::format("--accept diff.layout:{} is not needed: no livepatch is refused for it", name));
        } else {
            diagnostics
                .error("diff.accept-unknown", {},
                       fmt::format("--accept diff.layout:{}: the compared files have no such type", name))
                .hint("the finding that is to be accepted tells the name; leave the option out where there is none");
        }
    }
}

}  // namespace klp::diff
