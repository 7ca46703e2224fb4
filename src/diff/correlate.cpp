// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/correlate.hpp"

#include <algorithm>
#include <map>

#include "diff/compare.hpp"
#include "diff/names.hpp"

namespace klp::diff {

namespace {

// Code of the running kernel cannot be paired with code that is gone after its start (a function that loses
// its __init is a new one), nor a variable with a table. A variable that became constant, or no longer is, stays
// the object that others hold pointers to.
bool can_pair(const Piece& a, const Piece& b) {
    const auto is_object = [](const Piece& each) { return each.role == Role::data || each.role == Role::constant; };
    return (a.role == b.role || (is_object(a) && is_object(b))) && a.twin == nullptr && b.twin == nullptr;
}

bool is_named_for_pairing(const Piece& piece) {
    return piece.symbol() != nullptr && piece.has_identity() && (piece.is_any_code() || !piece.is_numbered());
}

// By exact name: a global symbol with a global one, a local with a local one, then across (a function that
// became static, or no longer is).
void pair_by_name(Unit& original, Unit& patched) {
    std::unordered_multimap<std::string_view, Piece*> originals;
    for (Piece& piece : original.pieces()) {
        if (!is_named_for_pairing(piece)) continue;
        for (const elf::Symbol* symbol : piece.symbols) originals.emplace(symbol->name, &piece);
    }
    for (const bool same_binding : {true, false}) {
        for (Piece& piece : patched.pieces()) {
            if (!is_named_for_pairing(piece)) continue;
            for (const elf::Symbol* symbol : piece.symbols) {
                const auto [first, last] = originals.equal_range(symbol->name);
                for (auto each = first; each != last; ++each) {
                    Piece& candidate = *each->second;
                    if (!can_pair(candidate, piece)) continue;
                    if (same_binding && candidate.is_local() != piece.is_local()) continue;
                    make_twins(candidate, piece);
                }
            }
        }
    }
}

// GCC numbers clones of one function in the order in which it makes them: the only foo.constprop left on
// both sides is the same one.
void pair_clones(Unit& original, Unit& patched) {
    std::map<std::string_view, std::pair<std::vector<Piece*>, std::vector<Piece*>>> by_base;
    const auto is_lone_clone = [](const Piece& piece) {
        return piece.is_any_code() && piece.twin == nullptr && piece.is_numbered();
    };
    for (Piece& piece : original.pieces()) {
        if (is_lone_clone(piece)) by_base[piece.base].first.push_back(&piece);
    }
    for (Piece& piece : patched.pieces()) {
        if (is_lone_clone(piece)) by_base[piece.base].second.push_back(&piece);
    }
    for (auto& [base, pieces] : by_base) {
        const auto& [before, after] = pieces;
        if (before.size() == 1 && after.size() == 1 && can_pair(*before.front(), *after.front()))
            make_twins(*before.front(), *after.front());
    }
}

// What has neither a name of its own nor state: entries of the kernel's tables (whose names hold counters
// and line numbers), descriptors of pr_debug, numbered constants.
bool is_paired_by_content(const Piece& piece) {
    if (piece.twin != nullptr || !piece.has_identity()) return false;
    if (piece.role == Role::constant) return piece.is_numbered();
    if (piece.role == Role::data) return piece.symbol() == nullptr || piece.is_debug_descriptor();
    return piece.role == Role::table || piece.role == Role::init_data;
}

// Equal content makes a pair, in order. Whether any pair was made.
bool pair_by_content(Unit& original, Unit& patched) {
    std::map<std::pair<std::string, std::string_view>, std::vector<Piece*>> originals;
    for (Piece& piece : original.pieces()) {
        if (is_paired_by_content(piece)) originals[{base_name(piece.section->name), piece.base}].push_back(&piece);
    }
    const Comparison comparison(original, patched);
    bool paired = false;
    for (Piece& piece : patched.pieces()) {
        if (!is_paired_by_content(piece)) continue;
        const auto found = originals.find({base_name(piece.section->name), piece.base});
        if (found == originals.end()) continue;
        auto& candidates = found->second;
        const auto match = std::ranges::find_if(
            candidates, [&](const Piece* each) { return each->twin == nullptr && comparison.equal(*each, piece); });
        if (match == candidates.end()) continue;
        make_twins(**match, piece);
        candidates.erase(match);
        paired = true;
    }
    return paired;
}

// A .cold part belongs to its function: where their counterparts do not, it has none.
void part_strange_cold_parts(Unit& patched) {
    for (Piece& piece : patched.pieces()) {
        if (piece.parent == nullptr || piece.twin == nullptr || piece.parent->twin == piece.twin->parent) continue;
        piece.twin->twin = nullptr;
        piece.twin = nullptr;
    }
}

}  // namespace

void make_twins(Piece& original, Piece& patched) {
    original.twin = &patched;
    patched.twin = &original;
}

void correlate(Unit& original, Unit& patched) {
    pair_by_name(original, patched);
    pair_clones(original, patched);
    part_strange_cold_parts(patched);
    correlate_numbered_data(original, patched);
    // again, because content can refer to what is paired only now
    while (pair_by_content(original, patched)) {
    }
}

}  // namespace klp::diff
