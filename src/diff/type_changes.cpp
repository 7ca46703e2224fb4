// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/type_changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <unordered_map>

#include "base/error.hpp"

namespace klp::diff {

namespace {

using Kind = TypeRecord::Kind;
using MemberKind = MemberChange::Kind;

// Types in each other, by value: a circle has no size.
constexpr int deepest_value = 64;

// By a hunk, behind which lines have their numbers again.
constexpr std::uint64_t most_lines_moved = 32;

MemberChange::Side side_of(const TypeField& field) {
    return {field.bit_offset, field.bit_size, field.type, 0};
}
MemberChange::Side side_of(const Enumerator& each) {
    return {0, 0, {}, each.value};
}

// What a value of a type consists of once the structures that it is wrapped in are taken away: an atomic_t is an int.
class Expansion {
public:
    explicit Expansion(const TypeTable& table) {
        for (const TypeRecord& each : table.types) {
            if (each.kind != Kind::variable && each.kind != Kind::enumeration) by_word_.emplace(each.word(), &each);
        }
    }

    [[nodiscard]] std::string of(const std::string& type) const {
        std::vector<std::string> parts;
        append(parts, type, 0, 0);
        std::ranges::sort(parts);
        return fmt::format("{}", fmt::join(parts, " "));
    }

private:
    void append(std::vector<std::string>& parts, const std::string& type, std::uint64_t at, int depth) const {
        if (depth > deepest_value) throw Error("damaged debug information: a type holds itself");
        const auto found = by_word_.find(type);
        if (found != by_word_.end()) {
            for (const TypeField& each : found->second->fields)
                append(parts, each.type, at + each.bit_offset, depth + 1);
            return;
        }
        const std::size_t bounds = type.starts_with('[') ? type.rfind(']') + 1 : 0;
        std::string element = type.substr(bounds);
        if (bounds != 0 && by_word_.contains(element)) {
            std::vector<std::string> of_element;
            append(of_element, element, 0, depth + 1);
            element = fmt::format("{{{}}}", fmt::join(of_element, " "));
        }
        parts.push_back(fmt::format("{}:{}{}", at, type.substr(0, bounds), element));
    }

    std::unordered_map<std::string, const TypeRecord*> by_word_;
};

class TypeComparison {
public:
    TypeComparison(const TypeTable& original, const TypeTable& patched, const Macros& macros)
        : original_(original), patched_(patched), macros_(macros), before_(original), after_(patched) {}

    std::vector<TypeChange> run() {
        pair();
        std::vector<TypeChange> changes;
        for (const auto& [before, after] : pairs_) {
            const TypeRecord& from = original_.types[before];
            const TypeRecord& to = patched_.types[after];
            // Another size of a variable is another change of data.
            if (from == to || (from.kind == Kind::variable && from.size != to.size)) continue;
            auto members = from.kind == Kind::enumeration ? enumerator_changes(from, to) : field_changes(from, to);
            if (!members.empty()) changes.push_back({before, after, std::move(members)});
        }
        add_gone_enumerations(changes);
        return changes;
    }

private:
    // Functions may have several types of one name in their blocks: those are told by their order.
    using Key = std::tuple<Kind, std::string, std::string, std::uint32_t>;
    using Keys = std::map<Key, std::uint32_t>;

    static Keys keys_of(const TypeTable& table) {
        Keys keys;
        for (std::uint32_t i = 0; i < table.types.size(); ++i) {
            const TypeRecord& each = table.types[i];
            const bool has_tag = each.kind == Kind::union_;  // which may have been a structure's
            Key key{has_tag ? Kind::structure : each.kind, each.scope, each.name, 0};
            while (!keys.emplace(key, i).second) ++std::get<3>(key);
        }
        return keys;
    }

    // Each enumerator of the file is one of its kind: an enumeration without a name is known by those it has.
    static std::map<std::pair<std::string, std::string>, std::uint32_t> enumerators_of(const TypeTable& table) {
        std::map<std::pair<std::string, std::string>, std::uint32_t> found;
        for (std::uint32_t i = 0; i < table.types.size(); ++i) {
            for (const Enumerator& each : table.types[i].enumerators)
                found.emplace(std::pair(table.types[i].scope, each.name), i);
        }
        return found;
    }

    // A type that the patched object does not know by its name, and one that the original does not. Types of headers
    // come and go with their users, so that one of these has to be where the other was.
    [[nodiscard]] static bool is_renamed(const TypeRecord& before, const TypeRecord& after) {
        if (before.kind != after.kind || !may_be_one_declaration(before, after)) return false;
        const auto is_kept = [&](const TypeField& field) {
            return std::ranges::find(after.fields, field.name, &TypeField::name) != after.fields.end();
        };
        const auto kept = std::ranges::count_if(before.fields, is_kept);
        return kept > 0 && static_cast<std::size_t>(kept) * 2 >= before.fields.size();
    }

    [[nodiscard]] static bool may_be_one_declaration(const TypeRecord& before, const TypeRecord& after) {
        const bool is_of_source = before.file.ends_with(".c") && before.file == after.file;
        if (is_of_source || before.line == 0 || after.line == 0) return is_of_source;
        const std::uint64_t distance = std::max(before.line, after.line) - std::min(before.line, after.line);
        return distance == 0 || (before.file == after.file && distance <= most_lines_moved);
    }

    void pair_renamed(const Keys& originals, const Keys& patched) {
        std::vector<std::uint32_t> fresh;
        for (const auto& [key, index] : patched)
            if (!originals.contains(key)) fresh.push_back(index);
        for (const auto& [key, index] : originals) {
            if (patched.contains(key)) continue;
            for (const std::uint32_t each : fresh) {
                const TypeRecord& before = original_.types[index];
                const TypeRecord& after = patched_.types[each];
                if (!is_renamed(before, after)) continue;
                pairs_.emplace_back(index, each);
                new_words_[before.word()] = after.word();
            }
        }
    }

    void pair() {
        const auto patched = keys_of(patched_);
        const auto originals = keys_of(original_);
        const auto enumerators = enumerators_of(patched_);
        pair_renamed(originals, patched);
        for (const auto& [key, index] : originals) {
            const TypeRecord& record = original_.types[index];
            const auto same_name = patched.find(key);
            if (same_name != patched.end()) {
                pairs_.emplace_back(index, same_name->second);
                continue;
            }
            for (const Enumerator& each : record.enumerators) {
                const auto found = enumerators.find({record.scope, each.name});
                if (found == enumerators.end()) continue;
                pairs_.emplace_back(index, found->second);
                break;
            }
        }
    }

    [[nodiscard]] std::vector<MemberChange> enumerator_changes(const TypeRecord& from, const TypeRecord& to) const {
        std::vector<MemberChange> changes;
        for (const Enumerator& old : from.enumerators) {
            const auto same_name = std::ranges::find(to.enumerators, old.name, &Enumerator::name);
            if (same_name != to.enumerators.end()) {
                if (same_name->value != old.value)
                    changes.push_back({MemberKind::renumbered, old.name, side_of(old), side_of(*same_name)});
                continue;
            }
            if (macros_.contains(old.name)) {
                if (auto change = change_to_macro(old)) changes.push_back(std::move(*change));
                continue;
            }
            // A new name for the value is no change of it.
            if (std::ranges::find(to.enumerators, old.value, &Enumerator::value) == to.enumerators.end())
                changes.push_back({MemberKind::removed, old.name, side_of(old), std::nullopt});
        }
        return changes;
    }

    // An enumeration that the patched object has not may have lost its last user. It is another one where the patch
    // makes macros of its enumerators.
    void add_gone_enumerations(std::vector<TypeChange>& changes) const {
        if (macros_.empty()) return;
        std::set<std::uint32_t> paired;
        for (const auto& [before, after] : pairs_) paired.insert(before);
        for (std::uint32_t i = 0; i < original_.types.size(); ++i) {
            if (paired.contains(i)) continue;
            std::vector<MemberChange> members;
            for (const Enumerator& old : original_.types[i].enumerators)
                if (auto change = change_to_macro(old)) members.push_back(std::move(*change));
            if (!members.empty()) changes.push_back({i, std::nullopt, std::move(members)});
        }
    }

    // Of an enumerator that is a macro now, unless that stands for its number.
    [[nodiscard]] std::optional<MemberChange> change_to_macro(const Enumerator& old) const {
        const auto macro = macros_.find(old.name);
        if (macro == macros_.end()) return std::nullopt;
        const auto value =
            macro_value(macro->second, macros_, [&](std::string_view name) { return enumerator_value(name); });
        if (value && *value == old.value) return std::nullopt;
        MemberChange change{MemberKind::renumbered, old.name, side_of(old), std::nullopt};
        if (value) change.patched = side_of(Enumerator{old.name, *value});
        return change;
    }

    [[nodiscard]] std::optional<std::int64_t> enumerator_value(std::string_view name) const {
        for (const TypeRecord& record : patched_.types)
            for (const Enumerator& each : record.enumerators)
                if (each.name == name) return each.value;
        return std::nullopt;
    }

    [[nodiscard]] bool is_same_type(const std::string& before, const std::string& after) const {
        if (before == after) return true;
        const bool are_pointers = before.starts_with('*') && after.starts_with('*');
        if (are_pointers) {
            const auto renamed = new_words_.find(before.substr(1));
            if (renamed != new_words_.end() && renamed->second == after.substr(1)) return true;
            return before == "*" || after == "*";  // C converts void * by itself
        }
        return before_.of(before) == after_.of(after);
    }

    [[nodiscard]] bool is_same_but_for_name(const TypeField& before, const TypeField& after) const {
        return before.bit_offset == after.bit_offset && before.bit_size == after.bit_size &&
               is_same_type(before.type, after.type);
    }

    [[nodiscard]] std::vector<MemberChange> field_changes(const TypeRecord& from, const TypeRecord& to) const {
        const auto named = [](const TypeRecord& record, const std::string& name) -> const TypeField* {
            const auto found = std::ranges::find(record.fields, name, &TypeField::name);
            return found == record.fields.end() ? nullptr : &*found;
        };
        const auto renamed = [&](const TypeField& field, const TypeRecord& own, const TypeRecord& other, bool forward) {
            return std::ranges::any_of(other.fields, [&](const TypeField& each) {
                if (named(own, each.name) != nullptr) return false;
                return forward ? is_same_but_for_name(field, each) : is_same_but_for_name(each, field);
            });
        };
        std::vector<MemberChange> changes;
        for (const TypeField& before : from.fields) {
            const TypeField* after = named(to, before.name);
            if (after != nullptr) {
                if (auto found = field_change(before, *after)) changes.push_back(std::move(*found));
            } else if (!renamed(before, from, to, true)) {
                changes.push_back({MemberKind::removed, before.name, side_of(before), std::nullopt});
            }
        }
        for (const TypeField& after : to.fields) {
            if (named(from, after.name) == nullptr && !renamed(after, to, from, false))
                changes.push_back({MemberKind::added, after.name, std::nullopt, side_of(after)});
        }
        if (changes.empty() && from.size != to.size)
            changes.push_back({MemberKind::resized, {}, MemberChange::Side{}, MemberChange::Side{}});
        return changes;
    }

    [[nodiscard]] std::optional<MemberChange> field_change(const TypeField& before, const TypeField& after) const {
        const bool is_moved = before.bit_offset != after.bit_offset;
        const bool is_retyped = before.bit_size != after.bit_size || !is_same_type(before.type, after.type);
        if (!is_moved && !is_retyped) return std::nullopt;
        return MemberChange{is_retyped ? MemberKind::retyped : MemberKind::moved, before.name, side_of(before),
                            side_of(after)};
    }

    const TypeTable& original_;
    const TypeTable& patched_;
    const Macros& macros_;
    Expansion before_;
    Expansion after_;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs_;
    std::unordered_map<std::string, std::string> new_words_;  // of types with another name, by their old one
};

}  // namespace

std::vector<TypeChange> find_type_changes(const TypeTable& original, const TypeTable& patched, const Macros& macros) {
    return TypeComparison(original, patched, macros).run();
}

}  // namespace klp::diff
