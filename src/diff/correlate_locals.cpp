// SPDX-License-Identifier: GPL-2.0-or-later
// Static locals: "count.3" of one compilation may be "count.5" of the other, and "count.3" there another
// function's. Who refers to them says which is which.
#include <algorithm>
#include <map>
#include <set>

#include "diff/compare.hpp"
#include "diff/correlate.hpp"
#include "diff/names.hpp"

namespace klp::diff {

namespace {

bool is_static_local(const Piece& piece) {
    return piece.role == Role::data && piece.twin == nullptr && piece.symbol() != nullptr && piece.has_identity() &&
           piece.is_numbered() && !piece.is_debug_descriptor();
}

// Static locals of one base name that `holder` (and its .cold parts) refers to, by first reference.
using References = std::map<std::string_view, std::vector<Piece*>>;

void add_references(const Unit& unit, const Piece& holder, References& result) {
    for (const elf::Relocation& each : unit.relocations(holder)) {
        const Target target = unit.locate(each, *holder.section, holder.range);
        if (target.kind != Target::Kind::piece || !is_static_local(*target.piece)) continue;
        auto& found = result[target.piece->base];
        if (std::ranges::find(found, target.piece) == found.end()) found.push_back(target.piece);
    }
    for (const Piece* part : holder.cold_parts) add_references(unit, *part, result);
}

class Matcher {
public:
    Matcher(Unit& original, Unit& patched) : original_(original), patched_(patched) {}

    void run() {
        if (std::ranges::any_of(patched_.pieces(), is_static_local)) {
            do collect_votes();
            while (accept_votes());
        }
        note_candidates();
    }

private:
    void collect_votes() {
        votes_.clear();
        for (Piece& holder : patched_.pieces()) {
            if (holder.twin == nullptr || holder.parent != nullptr) continue;
            References before, after;
            add_references(patched_, holder, after);
            if (after.empty()) continue;
            add_references(original_, *holder.twin, before);
            for (auto& [base, pieces] : after) vote(before[base], pieces, is_same_code(*holder.twin, holder));
        }
    }

    // One to one is evidence. Several of one name are told apart by their order, but only where the code
    // is the same, or where a mix-up does no harm.
    void vote(const std::vector<Piece*>& before, const std::vector<Piece*>& after, bool same_code) {
        if (before.size() != after.size()) return;
        const bool is_clear = after.size() == 1 || same_code || is_message_state(after.front()->base);
        for (std::size_t i = 0; is_clear && i < after.size(); ++i) {
            votes_[after[i]].insert(before[i]);
            votes_[before[i]].insert(after[i]);
        }
    }

    // Equal but for the static locals that are still to be told apart.
    [[nodiscard]] bool is_same_code(const Piece& a, const Piece& b) const {
        const auto is_open = [](const Target& target) {
            return target.kind == Target::Kind::piece && target.piece->twin == nullptr && target.piece->has_identity();
        };
        const Comparison comparison(original_, patched_, [&](const Target& was, const Target& is) {
            return is_open(was) && is_open(is) && was.piece->base == is.piece->base;
        });
        return comparison.equal(a, b) &&
               std::ranges::equal(a.cold_parts, b.cold_parts, [&](const Piece* before, const Piece* after) {
                   return comparison.equal(*before, *after);
               });
    }

    bool accept_votes() {
        bool accepted = false;
        for (auto& [piece, chosen] : votes_) {
            if (piece->twin != nullptr || chosen.size() != 1) continue;
            Piece& other = **chosen.begin();
            if (other.twin != nullptr || votes_[&other].size() != 1) continue;
            const bool piece_is_patched = is_patched(*piece);
            make_twins(piece_is_patched ? other : *piece, piece_is_patched ? *piece : other);
            accepted = true;
        }
        return accepted;
    }

    [[nodiscard]] bool is_patched(const Piece& piece) const { return patched_.piece_of(*piece.symbol()) == &piece; }

    // What is left on both sides may or may not be the same variable, also where one side has it outside of
    // all functions.
    void note_candidates() {
        std::map<std::string_view, std::vector<const Piece*>> left;
        for (const Piece& piece : original_.pieces()) {
            if (is_left(piece)) left[piece.base].push_back(&piece);
        }
        for (Piece& piece : patched_.pieces()) {
            if (!is_left(piece)) continue;
            const auto found = left.find(piece.base);
            if (found != left.end()) piece.candidates = found->second;
        }
    }

    static bool is_left(const Piece& piece) {
        const bool is_variable = piece.role == Role::data && piece.twin == nullptr && piece.symbol() != nullptr &&
                                 piece.has_identity() && piece.is_local() && !piece.is_debug_descriptor();
        return is_variable && !is_message_state(piece.base);
    }

    Unit& original_;
    Unit& patched_;
    std::map<Piece*, std::set<Piece*>> votes_;
};

}  // namespace

void correlate_numbered_data(Unit& original, Unit& patched) {
    Matcher(original, patched).run();
}

}  // namespace klp::diff
