// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/changes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "diff/compare.hpp"

namespace klp::diff {

namespace {

void compare_all(Changes& changes) {
    const Correlation& pairs = changes.pairs();
    const Comparison comparison(pairs);
    for (const Piece& piece : pairs.patched().pieces()) {
        const Piece* original = pairs.original_of(piece);
        if (original == nullptr) continue;
        if (auto found = comparison.difference(*original, piece)) changes.mark(piece, std::move(*found));
    }
}

// Pools and nameless constants are only ever marked for what they refer to.
bool is_changed_constant(const Changes& changes, const Piece& piece) {
    return (piece.role == Role::constant || piece.role == Role::code_pool) && changes.has(piece);
}

// A constant that changed moves to the livepatch module: whoever refers to it must come along.
void spread_changed_constants(Changes& changes) {
    const Correlation& pairs = changes.pairs();
    bool spreading = true;
    while (spreading) {
        spreading = false;
        for (const Piece& piece : pairs.patched().pieces()) {
            if (changes.has(piece) || (pairs.original_of(piece) == nullptr && piece.has_identity())) continue;
            for (const Field& field : pairs.patched().fields(piece)) {
                const Piece* target = field.target.piece;
                if (target == nullptr || !is_changed_constant(changes, *target)) continue;
                changes.mark(piece, fmt::format("it refers to '{}', which changed", target->name()));
                spreading = true;
                break;
            }
        }
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

void Changes::mark(const Piece& patched, std::string reason) {
    auto& known = reasons_[patched.index];
    if (!known) known = std::move(reason);
}

Changes find_changes(const Correlation& pairs) {
    Changes changes(pairs);
    compare_all(changes);
    const auto is_changed = [&](const Piece& piece) { return is_changed_constant(changes, piece); };
    if (std::ranges::any_of(pairs.patched().pieces(), is_changed)) spread_changed_constants(changes);
    spread_over_cold_parts(changes);
    return changes;
}

}  // namespace klp::diff
