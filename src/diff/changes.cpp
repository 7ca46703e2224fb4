// SPDX-License-Identifier: GPL-2.0-or-later
// From pairs that differ to everything that has to be replaced because of them.
#include <fmt/format.h>

#include "diff/compare.hpp"

namespace klp::diff {

namespace {

void compare_all(Unit& original, Unit& patched) {
    const Comparison comparison(original, patched);
    for (Piece& piece : patched.pieces()) {
        if (piece.twin == nullptr) continue;
        if (auto found = comparison.difference(*piece.twin, piece)) piece.mark_changed(std::move(*found));
    }
}

// Pools and nameless constants are only ever marked for what they refer to.
bool is_changed_constant(const Piece& piece) {
    return piece.changed && (piece.role == Role::constant || piece.role == Role::code_pool);
}

// A constant that changed moves to the livepatch module: whoever refers to it must come along.
void spread_changed_constants(Unit& patched) {
    bool spreading = true;
    while (spreading) {
        spreading = false;
        for (Piece& piece : patched.pieces()) {
            if (piece.changed || (piece.twin == nullptr && piece.has_identity())) continue;
            for (const elf::Relocation& each : patched.relocations(piece)) {
                const Target target = patched.locate(each, *piece.section, piece.range);
                if (target.kind != Target::Kind::piece || !is_changed_constant(*target.piece)) continue;
                piece.mark_changed(fmt::format("it refers to '{}', which changed", target.piece->name()));
                spreading = true;
                break;
            }
        }
    }
}

// A function and its .cold parts are one, though they lie in two sections.
void spread_over_cold_parts(Unit& patched) {
    for (Piece& piece : patched.pieces()) {
        if (piece.twin == nullptr) continue;
        for (Piece* part : piece.cold_parts) {
            if (part->twin == nullptr) piece.mark_changed(fmt::format("it has a new part '{}'", part->name()));
            if (part->changed) piece.mark_changed(fmt::format("'{}': {}", part->name(), part->reason));
        }
        for (Piece* part : piece.cold_parts) {
            if (piece.changed) part->mark_changed(piece.reason);
        }
    }
}

bool has_changed_constants(Unit& patched) {
    for (const Piece& piece : patched.pieces()) {
        if (is_changed_constant(piece)) return true;
    }
    return false;
}

}  // namespace

void mark_changes(Unit& original, Unit& patched) {
    compare_all(original, patched);
    if (has_changed_constants(patched)) spread_changed_constants(patched);
    spread_over_cold_parts(patched);
}

}  // namespace klp::diff
