// SPDX-License-Identifier: GPL-2.0-or-later
// What has another name in the patched object and is the same thing: who refers to it, and from where, says so.
#include <algorithm>
#include <map>
#include <set>

#include "diff/compare.hpp"
#include "diff/correlate.hpp"
#include "diff/names.hpp"
#include "diff/uses.hpp"

namespace klp::diff {

namespace {

bool is_object(const Piece& piece) {
    return piece.role == Role::data || piece.role == Role::constant;
}

bool has_a_name_to_lose(const Piece& piece) {
    if (piece.symbol() == nullptr || !piece.has_identity() || !piece.is_local()) return false;
    if (piece.is_function()) return true;
    return is_object(piece) && !piece.is_of_message();
}

// Pairs between which nothing else can be meant.
class Election {
public:
    void vote(const Piece& original, const Piece& patched) {
        of_patched_[&patched].insert(&original);
        of_original_[&original].insert(&patched);
    }
    template <typename Accept>
    bool decide(Accept accept) const {
        bool decided = false;
        for (const auto& [patched, originals] : of_patched_) {
            if (originals.size() != 1 || of_original_.at(*originals.begin()).size() != 1) continue;
            decided = accept(**originals.begin(), *patched) || decided;
        }
        return decided;
    }

private:
    using Votes = std::map<const Piece*, std::set<const Piece*>>;
    Votes of_patched_;
    Votes of_original_;
};

class Renames {
public:
    explicit Renames(Correlation& pairs) : pairs_(pairs) {}

    // Whoever holds a pointer to the old function got it from the table, and calls it as the table's type says: so may
    // it call the new one.
    void pair_callbacks() {
        if (!any_open()) return;
        const Uses uses(pairs_.original());
        Election election;
        for_each_field_of_tables([&](const Piece& was, const Piece& is) {
            if (!is_open_patched(is) || !was.is_function() || !was.is_local()) return;
            if (is_open_original(was) || is_replaced_in_all_tables(uses, was, is)) election.vote(was, is);
        });
        election.decide([&](const Piece& original, const Piece& patched) {
            if (const Piece* namesake = pairs_.patched_of(original)) pairs_.part(original, *namesake);
            pairs_.pair(original, patched);
            return true;
        });
    }

    // The rest: what stands in the place of the old one in code or data that is the same otherwise, and what has the
    // same content.
    void pair_by_use() {
        while (any_open() && (elect_by_use() || pair_equal())) {
        }
    }

private:
    bool is_open_original(const Piece& piece) const {
        return has_a_name_to_lose(piece) && pairs_.patched_of(piece) == nullptr;
    }
    bool is_open_patched(const Piece& piece) const {
        return has_a_name_to_lose(piece) && pairs_.original_of(piece) == nullptr && pairs_.candidates(piece).empty();
    }
    bool any_open() const {
        return std::ranges::any_of(pairs_.patched().pieces(), [&](const Piece& each) { return is_open_patched(each); });
    }

    template <typename Visit>
    void for_each_field_of_tables(Visit visit) const {
        for (const Piece& table : pairs_.patched().pieces()) {
            const Piece* original = is_object(table) ? pairs_.original_of(table) : nullptr;
            if (original == nullptr) continue;
            const auto before = pairs_.original().fields(*original);
            const auto after = pairs_.patched().fields(table);
            for (const Field& field : after) {
                const Field* counterpart = field_at(before, field.offset() - table.range.begin + original->range.begin);
                if (counterpart == nullptr || counterpart->target.delta != 0 || field.target.delta != 0) continue;
                const Piece *was = counterpart->target.piece, *is = field.target.piece;
                if (was != nullptr && is != nullptr && is->is_function()) visit(*was, *is);
            }
        }
    }

    static const Field* field_at(std::span<const Field> fields, std::uint64_t offset) {
        const auto found = std::ranges::lower_bound(fields, offset, {}, &Field::offset);
        return found == fields.end() || found->offset() != offset ? nullptr : &*found;
    }

    // The old function is still there, for the new one to call, but no table or code of the original means it
    // otherwise.
    bool is_replaced_in_all_tables(const Uses& uses, const Piece& was, const Piece& is) const {
        const auto places = uses.of(was);
        return !places.empty() && std::ranges::all_of(places, [&](const PlaceOfUse& place) {
            const Piece* table = is_object(*place.holder) ? pairs_.patched_of(*place.holder) : nullptr;
            if (table == nullptr) return false;
            const std::uint64_t offset = place.field->offset() - place.holder->range.begin + table->range.begin;
            const Field* after = field_at(pairs_.patched().fields(*table), offset);
            return after != nullptr && after->target.piece == &is;
        });
    }

    bool elect_by_use() {
        Election election;
        const Comparison comparison(pairs_, [&](const Target& was, const Target& is) { return may_be(was, is); });
        for (const Piece& holder : pairs_.patched().pieces()) {
            const Piece* original = pairs_.original_of(holder);
            if (original == nullptr || !refers_to_open(holder) || !is_equal(comparison, *original, holder)) continue;
            vote_by_place(election, *original, holder);
            for (std::size_t i = 0; i < holder.cold_parts.size(); ++i)
                vote_by_place(election, *original->cold_parts[i], *holder.cold_parts[i]);
        }
        const Comparison strict(pairs_);
        return election.decide([&](const Piece& original, const Piece& patched) {
            if (patched.role == Role::data && !strict.equal(original, patched)) return false;
            pairs_.pair(original, patched);
            return true;
        });
    }

    bool may_be(const Target& was, const Target& is) const {
        return was.kind == Target::Kind::piece && is.kind == Target::Kind::piece && is_open_original(*was.piece) &&
               is_open_patched(*is.piece) && was.piece->role == is.piece->role;
    }

    bool refers_to_open(const Piece& holder) const {
        const auto is_one = [&](const Field& each) {
            return each.target.piece != nullptr && is_open_patched(*each.target.piece);
        };
        return std::ranges::any_of(pairs_.patched().fields(holder), is_one) ||
               std::ranges::any_of(holder.cold_parts, [&](const Piece* part) { return refers_to_open(*part); });
    }

    static bool is_equal(const Comparison& comparison, const Piece& original, const Piece& patched) {
        return comparison.equal(original, patched) && std::ranges::equal(original.cold_parts, patched.cold_parts,
                                                                         [&](const Piece* before, const Piece* after) {
                                                                             return comparison.equal(*before, *after);
                                                                         });
    }

    void vote_by_place(Election& election, const Piece& original, const Piece& patched) const {
        const auto before = pairs_.original().fields(original);
        const auto after = pairs_.patched().fields(patched);
        for (std::size_t i = 0; i < after.size(); ++i) {
            if (!may_be(before[i].target, after[i].target)) continue;
            const Piece& is = *after[i].target.piece;
            // Callers can call another function without more ado.
            if (!is.is_function() || keeps_address(pairs_.patched().architecture().use_of(
                                         *patched.section, patched.range, *after[i].relocation)))
                election.vote(*before[i].target.piece, is);
        }
    }

    // Constants and functions have no state: one of equal content is as good as the old one.
    bool pair_equal() {
        Election election;
        const Comparison comparison(pairs_);
        for (const Piece& original : pairs_.original().pieces()) {
            if (original.role == Role::data || !is_open_original(original)) continue;
            for (const Piece& patched : pairs_.patched().pieces()) {
                const bool may_match = patched.role == original.role && patched.range.size() == original.range.size();
                if (may_match && is_open_patched(patched) && is_equal(comparison, original, patched))
                    election.vote(original, patched);
            }
        }
        return election.decide([&](const Piece& original, const Piece& patched) {
            pairs_.pair(original, patched);
            return true;
        });
    }

    Correlation& pairs_;
};

}  // namespace

void correlate_renamed_callbacks(Correlation& pairs) {
    Renames(pairs).pair_callbacks();
}

void correlate_renamed(Correlation& pairs) {
    Renames(pairs).pair_by_use();
}

}  // namespace klp::diff
