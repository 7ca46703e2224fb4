// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/correlate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "diff/compare.hpp"
#include "diff/names.hpp"

namespace klp::diff {

namespace {

// Code of the running kernel cannot be paired with code that is gone after its start (a function that loses
// its __init is a new one), nor a variable with a table. A variable that became constant, or no longer is, stays
// the object that others hold pointers to.
bool can_pair(const Correlation& pairs, const Piece& original, const Piece& patched) {
    const auto is_object = [](const Piece& each) { return each.role == Role::data || each.role == Role::constant; };
    const bool same_kind = original.role == patched.role || (is_object(original) && is_object(patched));
    return same_kind && pairs.patched_of(original) == nullptr && pairs.original_of(patched) == nullptr;
}

bool is_named_for_pairing(const Piece& piece) {
    return piece.symbol() != nullptr && piece.has_identity() && !piece.is_btf_id() &&
           (piece.is_any_code() || !piece.is_numbered());
}

// By exact name: a global symbol with a global one, a local with a local one, then across (a function that
// became static, or no longer is).
void pair_by_name(Correlation& pairs) {
    std::unordered_multimap<std::string_view, const Piece*> originals;
    for (const Piece& piece : pairs.original().pieces()) {
        if (!is_named_for_pairing(piece)) continue;
        for (const elf::Symbol* symbol : piece.symbols) originals.emplace(symbol->name, &piece);
    }
    for (const bool same_binding : {true, false}) {
        for (const Piece& piece : pairs.patched().pieces()) {
            if (!is_named_for_pairing(piece)) continue;
            for (const elf::Symbol* symbol : piece.symbols) {
                const auto [first, last] = originals.equal_range(symbol->name);
                for (auto each = first; each != last; ++each) {
                    const Piece& candidate = *each->second;
                    if (!can_pair(pairs, candidate, piece)) continue;
                    if (same_binding && candidate.is_local() != piece.is_local()) continue;
                    pairs.pair(candidate, piece);
                }
            }
        }
    }
}

// Pairs what is the only one of its name, but for the number, that is left on both sides.
template <typename Predicate>
void pair_the_only_ones(Correlation& pairs, Predicate is_meant) {
    std::map<std::string_view, std::pair<std::vector<const Piece*>, std::vector<const Piece*>>> by_base;
    for (const Piece& piece : pairs.original().pieces()) {
        if (is_meant(piece) && pairs.patched_of(piece) == nullptr) by_base[piece.base].first.push_back(&piece);
    }
    for (const Piece& piece : pairs.patched().pieces()) {
        if (is_meant(piece) && pairs.original_of(piece) == nullptr) by_base[piece.base].second.push_back(&piece);
    }
    for (auto& [base, pieces] : by_base) {
        const auto& [before, after] = pieces;
        if (before.size() == 1 && after.size() == 1 && can_pair(pairs, *before.front(), *after.front()))
            pairs.pair(*before.front(), *after.front());
    }
}

// GCC numbers clones of one function in the order in which it makes them.
bool is_clone(const Piece& piece) {
    return piece.is_any_code() && piece.is_numbered();
}

// A static local that changed: whether it may is for others to judge.
bool is_numbered_constant(const Piece& piece) {
    return piece.role == Role::constant && piece.has_identity() && piece.is_numbered();
}

// What has neither a name of its own nor state: entries of the kernel's tables (whose names hold counters
// and line numbers), descriptors of pr_debug, numbered constants.
bool is_paired_by_content(const Piece& piece) {
    if (!piece.has_identity() || piece.is_btf_id()) return false;
    if (piece.role == Role::constant) return piece.is_numbered();
    if (piece.role == Role::data) return piece.symbol() == nullptr || piece.is_message();
    return piece.role == Role::table || piece.role == Role::init_data;
}

// Equal content makes a pair, in order. Whether any pair was made.
bool pair_by_content(Correlation& pairs) {
    std::map<std::pair<std::string, std::string_view>, std::vector<const Piece*>> originals;
    for (const Piece& piece : pairs.original().pieces()) {
        if (is_paired_by_content(piece) && pairs.patched_of(piece) == nullptr)
            originals[{base_name(piece.section->name), piece.base}].push_back(&piece);
    }
    const Comparison comparison(pairs);
    bool paired = false;
    for (const Piece& piece : pairs.patched().pieces()) {
        if (!is_paired_by_content(piece) || pairs.original_of(piece) != nullptr) continue;
        const auto found = originals.find({base_name(piece.section->name), piece.base});
        if (found == originals.end()) continue;
        auto& candidates = found->second;
        const auto match =
            std::ranges::find_if(candidates, [&](const Piece* each) { return comparison.equal(*each, piece); });
        if (match == candidates.end()) continue;
        pairs.pair(**match, piece);
        candidates.erase(match);
        paired = true;
    }
    return paired;
}

// What an entry of a list of BTF ids says: its id, the lists that begin with it, flags.
std::string meaning_of(const Piece& entry) {
    std::set<std::string> names;
    for (const elf::Symbol* symbol : entry.symbols) names.insert(base_name(symbol->name));
    return fmt::format("{} {}", fmt::join(names, " "), as_text(entry.content()));
}

std::vector<const Piece*> btf_ids_of(const Decomposition& object) {
    std::vector<const Piece*> entries;
    for (const Piece& piece : object.pieces())
        if (piece.is_btf_id()) entries.push_back(&piece);
    return entries;
}

// Code counts the entries of such a list, so that all before and behind a change are what they were, and none in it is.
void pair_btf_ids(Correlation& pairs) {
    std::vector<const Piece*> before = btf_ids_of(pairs.original()), after = btf_ids_of(pairs.patched());
    for (const bool from_start : {true, false}) {
        while (!before.empty() && !after.empty()) {
            const auto was = from_start ? before.begin() : before.end() - 1;
            const auto is = from_start ? after.begin() : after.end() - 1;
            if (meaning_of(**was) != meaning_of(**is)) break;
            pairs.pair(**was, **is);
            before.erase(was);
            after.erase(is);
        }
    }
}

// A .cold part belongs to its function: where their counterparts do not, it has none.
void part_strange_cold_parts(Correlation& pairs) {
    for (const Piece& piece : pairs.patched().pieces()) {
        const Piece* original = pairs.original_of(piece);
        if (piece.parent == nullptr || original == nullptr) continue;
        if (pairs.original_of(*piece.parent) != original->parent) pairs.part(*original, piece);
    }
}

}  // namespace

Correlation::Correlation(const Decomposition& original, const Decomposition& patched)
    : original_(original),
      patched_(patched),
      original_of_(patched.pieces().size()),
      patched_of_(original.pieces().size()) {}

std::span<const Piece* const> Correlation::candidates(const Piece& patched) const {
    const auto found = candidates_.find(&patched);
    return found == candidates_.end() ? std::span<const Piece* const>{} : found->second;
}

void Correlation::pair(const Piece& original, const Piece& patched) {
    original_of_[patched.index] = &original;
    patched_of_[original.index] = &patched;
}

void Correlation::part(const Piece& original, const Piece& patched) {
    original_of_[patched.index] = nullptr;
    patched_of_[original.index] = nullptr;
}

void Correlation::set_candidates(const Piece& patched, std::vector<const Piece*> originals) {
    candidates_[&patched] = std::move(originals);
}

Correlation correlate(const Decomposition& original, const Decomposition& patched) {
    Correlation pairs(original, patched);
    pair_by_name(pairs);
    pair_btf_ids(pairs);
    pair_the_only_ones(pairs, is_clone);
    correlate_renamed_callbacks(pairs);
    part_strange_cold_parts(pairs);
    correlate_numbered_data(pairs);
    // again, because content can refer to what is paired only now
    while (pair_by_content(pairs)) {
    }
    correlate_renamed(pairs);
    while (pair_by_content(pairs)) {
    }
    pair_the_only_ones(pairs, is_numbered_constant);
    part_strange_cold_parts(pairs);
    return pairs;
}

}  // namespace klp::diff
