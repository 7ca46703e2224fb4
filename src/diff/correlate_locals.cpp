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
    return piece.role == Role::data && piece.symbol() != nullptr && piece.has_identity() && piece.is_numbered() &&
           !piece.is_message();
}

class Matcher {
public:
    explicit Matcher(Correlation& pairs) : pairs_(pairs) {}

    void run() {
        const auto is_open = [&](const Piece& piece) { return is_static_local(piece) && !pairs_.original_of(piece); };
        if (std::ranges::any_of(pairs_.patched().pieces(), is_open)) {
            do collect_votes();
            while (accept_votes());
        }
        note_candidates();
    }

private:
    // Static locals of one base name that a piece (and its .cold parts) refers to, by first reference; without those
    // that have a counterpart.
    using References = std::map<std::string_view, std::vector<const Piece*>>;
    using Votes = std::map<const Piece*, std::set<const Piece*>>;

    template <typename IsPaired>
    static void add_references(const Decomposition& object, const Piece& holder, IsPaired is_paired,
                               References& result) {
        for (const Field& field : object.fields(holder)) {
            const Piece* piece = field.target.piece;
            if (piece == nullptr || !is_static_local(*piece) || is_paired(*piece)) continue;
            auto& found = result[piece->base];
            if (std::ranges::find(found, piece) == found.end()) found.push_back(piece);
        }
        for (const Piece* part : holder.cold_parts) add_references(object, *part, is_paired, result);
    }

    void collect_votes() {
        votes_of_patched_.clear();
        votes_of_original_.clear();
        const auto has_original = [&](const Piece& piece) { return pairs_.original_of(piece) != nullptr; };
        const auto has_patched = [&](const Piece& piece) { return pairs_.patched_of(piece) != nullptr; };
        for (const Piece& holder : pairs_.patched().pieces()) {
            const Piece* original = pairs_.original_of(holder);
            if (original == nullptr || holder.parent != nullptr) continue;
            References before, after;
            add_references(pairs_.patched(), holder, has_original, after);
            if (after.empty()) continue;
            add_references(pairs_.original(), *original, has_patched, before);
            const bool same_code = is_same_code(*original, holder);
            for (auto& [base, pieces] : after) {
                if (is_message_state(base) && !same_code)
                    vote_by_message(*original, before[base], holder, pieces);
                else
                    vote(before[base], pieces, same_code);
            }
        }
    }

    // One to one is evidence. Several of one name are told apart by their order, but only where the code
    // is the same, or where a mix-up does no harm.
    void vote(const std::vector<const Piece*>& before, const std::vector<const Piece*>& after, bool same_code) {
        if (before.size() != after.size()) return;
        const bool is_clear = after.size() == 1 || same_code || is_message_state(after.front()->base);
        for (std::size_t i = 0; is_clear && i < after.size(); ++i) {
            votes_of_patched_[after[i]].insert(before[i]);
            votes_of_original_[before[i]].insert(after[i]);
        }
    }

    // A mix-up means at worst one message more or less. What is told the same is the same, and the rest by order where
    // their number is.
    void vote_by_message(const Piece& original, std::vector<const Piece*> before, const Piece& patched,
                         std::vector<const Piece*> after) {
        for (auto each = after.begin(); each != after.end();) {
            const std::string message = message_at(pairs_.patched(), patched, **each);
            const auto same = std::ranges::find_if(before, [&](const Piece* candidate) {
                return !message.empty() && message_at(pairs_.original(), original, *candidate) == message;
            });
            if (same == before.end()) {
                ++each;
                continue;
            }
            vote({*same}, {*each}, true);
            before.erase(same);
            each = after.erase(each);
        }
        vote(before, after, false);
    }

    // The string that the code refers to nearest to the state, without a call in between: both are set up for the
    // message's call. Empty where there is none.
    static std::string message_at(const Decomposition& object, const Piece& holder, const Piece& state) {
        Nearest nearest;
        look_for_message(object, holder, state, nearest);
        for (const Piece* part : holder.cold_parts) look_for_message(object, *part, state, nearest);
        return nearest.text == nullptr ? std::string() : describe(nearest.text->target);
    }

    struct Nearest {
        const Field* text = nullptr;
        std::uint64_t distance = ~std::uint64_t{0};
    };

    static void look_for_message(const Decomposition& object, const Piece& code, const Piece& state, Nearest& nearest) {
        const auto fields = object.fields(code);
        const auto is_call = [&](const Field& field) {
            return object.architecture().is_branch(*code.section, code.range, *field.relocation);
        };
        for (std::size_t i = 0; i < fields.size(); ++i) {
            if (fields[i].target.piece != &state) continue;
            const auto consider = [&](const Field& field) {
                if (field.target.kind != Target::Kind::literal || !field.target.section->is_strings()) return;
                const std::uint64_t from = std::min(field.offset(), fields[i].offset());
                const std::uint64_t distance = std::max(field.offset(), fields[i].offset()) - from;
                if (distance < nearest.distance) nearest = {&field, distance};
            };
            for (std::size_t j = i + 1; j < fields.size() && !is_call(fields[j]); ++j) consider(fields[j]);
            for (std::size_t j = i; j-- > 0 && !is_call(fields[j]);) consider(fields[j]);
        }
    }

    // Equal but for the static locals that are still to be told apart.
    [[nodiscard]] bool is_same_code(const Piece& a, const Piece& b) const {
        const Comparison comparison(pairs_, [&](const Target& was, const Target& is) {
            return was.kind == Target::Kind::piece && is.kind == Target::Kind::piece &&
                   pairs_.patched_of(*was.piece) == nullptr && pairs_.original_of(*is.piece) == nullptr &&
                   was.piece->has_identity() && is.piece->has_identity() && was.piece->base == is.piece->base;
        });
        return comparison.equal(a, b) &&
               std::ranges::equal(a.cold_parts, b.cold_parts, [&](const Piece* before, const Piece* after) {
                   return comparison.equal(*before, *after);
               });
    }

    bool accept_votes() {
        bool accepted = false;
        for (const auto& [piece, chosen] : votes_of_patched_) {
            if (chosen.size() != 1) continue;
            const Piece& original = **chosen.begin();
            if (votes_of_original_.at(&original).size() != 1) continue;
            pairs_.pair(original, *piece);
            accepted = true;
        }
        return accepted;
    }

    // What is left on both sides may or may not be the same variable, also where one side has it outside of
    // all functions.
    void note_candidates() {
        std::map<std::string_view, std::vector<const Piece*>> left;
        for (const Piece& piece : pairs_.original().pieces()) {
            if (is_variable(piece) && pairs_.patched_of(piece) == nullptr) left[piece.base].push_back(&piece);
        }
        for (const Piece& piece : pairs_.patched().pieces()) {
            if (!is_variable(piece) || pairs_.original_of(piece) != nullptr) continue;
            const auto found = left.find(piece.base);
            if (found != left.end()) pairs_.set_candidates(piece, found->second);
        }
    }

    static bool is_variable(const Piece& piece) {
        return piece.role == Role::data && piece.symbol() != nullptr && piece.has_identity() && piece.is_local() &&
               !piece.is_of_message();
    }

    Correlation& pairs_;
    Votes votes_of_patched_;
    Votes votes_of_original_;
};

}  // namespace

void correlate_numbered_data(Correlation& pairs) {
    Matcher(pairs).run();
}

}  // namespace klp::diff
