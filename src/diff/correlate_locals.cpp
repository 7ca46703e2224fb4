// SPDX-License-Identifier: GPL-2.0-or-later
// Static locals: "count.3" of one compilation may be "count.5" of the other, and "count.3" there another
// function's. Who refers to them says which is which.
#include <algorithm>
#include <map>
#include <set>

#include "diff/compare.hpp"
#include "diff/correlate.hpp"
#include "diff/messages.hpp"
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

    // What an address in a table (.toc) leads to, of which code has the place in the table.
    static const Piece* meant_by(const Decomposition& object, const Field& field) {
        const Piece* piece = field.target.piece;
        if (piece == nullptr || !is_address_table(*piece->section)) return piece;
        const auto addresses = object.fields(*piece);
        return addresses.size() == 1 ? addresses.front().target.piece : nullptr;
    }

    template <typename IsPaired>
    static void add_references(const Decomposition& object, const Piece& holder, IsPaired is_paired,
                               References& result) {
        for (const Field& field : object.fields(holder)) {
            const Piece* piece = meant_by(object, field);
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

    // What tells the same message is the same. A message that only one side has is another one: that of a new message
    // must not be taken for told already. Nothing tells those of one message apart but their order, as long as none is
    // added or gone. Keys of lockdep have names in the place of messages.
    void vote_by_message(const Piece& original, const std::vector<const Piece*>& before, const Piece& patched,
                         const std::vector<const Piece*>& after) {
        const auto was = by_message(pairs_.original(), original, before);
        const auto is = by_message(pairs_.patched(), patched, after);
        std::vector<const Piece*> before_left, after_left;
        bool all_tell = after.empty() || !is_lock_class_key(after.front()->base);
        for (const auto& [message, states] : was) {
            const auto same = is.find(message);
            all_tell = all_tell && !message.empty();
            if (same != is.end() && !message.empty())
                vote(states, same->second, false);
            else
                before_left.insert(before_left.end(), states.begin(), states.end());
        }
        for (const auto& [message, states] : is) {
            all_tell = all_tell && !message.empty();
            if (message.empty() || !was.contains(message))
                after_left.insert(after_left.end(), states.begin(), states.end());
        }
        if (!all_tell) vote(in_order(before, before_left), in_order(after, after_left), false);
    }

    using States = std::vector<const Piece*>;

    static std::map<std::string, States> by_message(const Decomposition& object, const Piece& holder,
                                                    const States& states) {
        std::map<std::string, States> result;
        for (const Piece* each : states) result[message_of(object, holder, *each)].push_back(each);
        return result;
    }

    static States in_order(const States& all, const States& some) {
        States result;
        std::ranges::copy_if(all, std::back_inserter(result),
                             [&](const Piece* each) { return std::ranges::find(some, each) != some.end(); });
        return result;
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
