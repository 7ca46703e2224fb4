// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "diff/compare.hpp"
#include "diff/line_numbers.hpp"
#include "diff/uses.hpp"

namespace klp::diff {

namespace {

void compare_all(Changes& changes, bool same_lines) {
    const Correlation& pairs = changes.pairs();
    const Comparison comparison(pairs);
    LineNumbers lines(pairs);
    for (const Piece& piece : pairs.patched().pieces()) {
        const Piece* original = pairs.original_of(piece);
        if (original == nullptr) continue;
        auto found = comparison.difference(*original, piece);
        if (!found) continue;
        if (!same_lines && lines.alone_differ(*original, piece))
            changes.note_lines(piece);
        else
            changes.mark(piece, std::move(*found));
    }
}

// Pools and nameless constants are only ever marked for what they refer to.
bool is_changed_constant(const Changes& changes, const Piece& piece) {
    return (piece.role == Role::constant || piece.role == Role::code_pool) && changes.has(piece);
}

// A constant that changed moves to the livepatch module: whoever refers to it must come along.
void spread_changed_constants(Changes& changes) {
    const Correlation& pairs = changes.pairs();
    for (const Piece& piece : pairs.patched().pieces()) {
        if (changes.has(piece) || (pairs.original_of(piece) == nullptr && piece.has_identity())) continue;
        for (const Field& field : pairs.patched().fields(piece)) {
            const Piece* target = field.target.piece;
            if (target == nullptr || !is_changed_constant(changes, *target)) continue;
            if (changes.places_of_kept(*target) != nullptr) continue;
            changes.mark(piece, fmt::format("it refers to '{}', which changed", target->name()));
            break;
        }
    }
}

bool is_inside_of_code(const Field& field) {
    const Piece* code = field.target.piece;
    return code != nullptr && code->is_any_code() && (code->parent != nullptr || field.target.delta != 0);
}

// What does not differ still leads into the old body.
void spread_to_tables_of_labels(Changes& changes) {
    const Correlation& pairs = changes.pairs();
    for (const Piece& piece : pairs.patched().pieces()) {
        if (changes.has(piece) || pairs.original_of(piece) == nullptr) continue;
        if (const Piece* code = changes.leads_into(piece))
            changes.mark(piece, fmt::format("it leads into '{}', which changed", code->name()));
    }
}

// Who takes the address of a constant can store it, hand it to code that does, and compare it: old pointers lead to the
// old one for ever, and to nothing once the copy is unloaded.
class ConstantsToKeep {
public:
    explicit ConstantsToKeep(Changes& changes) : changes_(changes), pairs_(changes.pairs()) {}

    void find() {
        for (const Piece& piece : pairs_.patched().pieces()) {
            const Piece* original = pairs_.original_of(piece);
            const bool matters = piece.role == Role::constant && piece.has_identity() && original != nullptr;
            if (!matters || !changes_.has(piece) || !judged_.insert(&piece).second) continue;
            std::vector<std::string> places;
            add_places(uses(patched_, pairs_.patched()), piece, places);
            add_places(uses(original_, pairs_.original()), *original, places);
            if (!places.empty()) changes_.keep(piece, std::move(places));
        }
    }

private:
    static const Uses& uses(std::optional<Uses>& made, const Decomposition& object) {
        if (!made) made.emplace(object);
        return *made;
    }

    // Labels are of use to their own function alone, which comes along.
    static bool leads_into(const Decomposition& object, const Piece& table, const Piece& code) {
        const Piece* function = code.parent != nullptr ? code.parent : &code;
        return std::ranges::any_of(object.fields(table), [&](const Field& field) {
            const Piece* target = field.target.piece;
            return is_inside_of_code(field) && (target == function || target->parent == function);
        });
    }

    static void add_places(const Uses& uses, const Piece& piece, std::vector<std::string>& places) {
        for (const PlaceOfUse& each : uses.of_address(piece)) {
            if (leads_into(uses.object(), piece, *each.holder)) continue;
            const std::string place = describe(each);
            if (std::ranges::find(places, place) == places.end()) places.push_back(place);
        }
    }

    Changes& changes_;
    const Correlation& pairs_;
    std::optional<Uses> original_, patched_;
    std::set<const Piece*> judged_;
};

// Clones are no functions of their name: how they are called depends on their code.
void forgive(Changes& changes, const std::set<std::string, std::less<>>& names) {
    for (const Piece& piece : changes.pairs().patched().pieces()) {
        const Piece* original = changes.pairs().original_of(piece);
        if (!piece.is_any_code() || piece.parent != nullptr || original == nullptr) continue;
        if (piece.base != piece.name() || original->name() != piece.name() || !names.contains(piece.name())) continue;
        changes.forgive(piece);
        for (const Piece* part : piece.cold_parts) changes.forgive(*part);
    }
}

// A function and its .cold parts are one, though they lie in two sections.
void spread_over_cold_parts(Changes& changes) {
    const Correlation& pairs = changes.pairs();
    for (const Piece& piece : pairs.patched().pieces()) {
        if (pairs.original_of(piece) == nullptr) continue;
        for (const Piece* part : piece.cold_parts) {
            if (pairs.original_of(*part) == nullptr)
                changes.mark(piece, fmt::format("it has a new part '{}'", part->name()));
            if (changes.has(*part)) changes.mark(piece, fmt::format("'{}': {}", part->name(), changes.reason(*part)));
        }
        for (const Piece* part : piece.cold_parts) {
            if (changes.has(piece)) changes.mark(*part, changes.reason(piece));
        }
    }
}

}  // namespace

Changes::Changes(const Correlation& pairs, const Directives& directives)
    : pairs_(pairs), directives_(directives), reasons_(pairs.patched().pieces().size()) {
    for (const Piece& piece : pairs.patched().pieces())
        if (directives.ignores(piece)) left_out_.try_emplace(&piece);
}

void Changes::mark(const Piece& patched, std::string reason) {
    if (const auto ignored = left_out_.find(&patched); ignored != left_out_.end()) {
        if (ignored->second.empty()) ignored->second = std::move(reason);
        return;
    }
    auto& known = reasons_[patched.index];
    if (known || forgiven_.contains(&patched)) return;
    known = std::move(reason);
    ++count_;
}

std::vector<std::string> Changes::functions_with_other_lines() const {
    std::vector<std::string> names;
    for (const Piece* piece : other_lines_) {
        const Piece& function = piece->parent != nullptr ? *piece->parent : *piece;
        const std::string name(function.label());
        if (!has(function) && std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
    return names;
}

const std::vector<std::string>* Changes::places_of_kept(const Piece& patched) const {
    const auto found = kept_.find(&patched);
    return found == kept_.end() ? nullptr : &found->second;
}

const std::vector<std::string>* Changes::obstacles_to(const Piece& patched) const {
    const auto found = obstacles_.find(&patched);
    return found == obstacles_.end() ? nullptr : &found->second;
}

const Piece* Changes::leads_into(const Piece& patched) const {
    if (patched.role != Role::constant && patched.role != Role::data) return nullptr;
    for (const Field& field : pairs_.patched().fields(patched)) {
        if (is_inside_of_code(field) && has(*field.target.piece)) return field.target.piece;
    }
    return nullptr;
}

std::set<std::string, std::less<>> functions_of_both(const Changes& changes, bool changed) {
    std::set<std::string, std::less<>> names;
    for (const Piece& piece : changes.pairs().patched().pieces()) {
        if (piece.is_any_code() && changes.pairs().original_of(piece) != nullptr && changes.has(piece) == changed)
            names.emplace(piece.name());
    }
    return names;
}

Changes find_changes(const Correlation& pairs, const Directives& directives, const std::optional<Hooking>& hooking,
                     const std::set<std::string, std::less<>>& unchanged, bool same_lines) {
    Changes changes(pairs, directives);
    forgive(changes, unchanged);
    compare_all(changes, same_lines);
    ConstantsToKeep constants(changes);
    std::optional<UnhookableFunctions> unhookable;
    if (hooking) unhookable.emplace(changes, *hooking);
    for (std::optional<std::size_t> before; before != changes.count();) {
        before = changes.count();
        spread_over_cold_parts(changes);
        spread_to_tables_of_labels(changes);
        constants.find();
        const auto is_changed = [&](const Piece& piece) { return is_changed_constant(changes, piece); };
        if (std::ranges::any_of(pairs.patched().pieces(), is_changed)) spread_changed_constants(changes);
        if (unhookable) unhookable->spread();
    }
    return changes;
}

}  // namespace klp::diff
