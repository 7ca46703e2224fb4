// SPDX-License-Identifier: GPL-2.0-or-later
// Data that the patch takes away, and data that the same functions use in its stead.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "diff/names.hpp"
#include "diff/refuse.hpp"
#include "diff/uses.hpp"

namespace klp::diff {

namespace {

bool can_be_renamed(const Piece& piece) {
    if (piece.role != Role::data && piece.role != Role::constant) return false;
    return piece.symbol() != nullptr && piece.has_identity() && !piece.is_of_message();
}

// Functions and data of both objects that refer to the piece, directly or by way of what only its own object has (a
// helper that was inlined into them in the other).
class UsersInBoth {
public:
    template <typename Counterpart>
    UsersInBoth(const Uses& uses, const Piece& piece, Counterpart counterpart) {
        std::vector<const Piece*> waiting{&piece};
        std::set<const Piece*> seen;
        while (!waiting.empty()) {
            const Piece* each = waiting.back();
            waiting.pop_back();
            for (const PlaceOfUse& place : uses.of(*each)) {
                const Piece* user = place.holder->parent != nullptr ? place.holder->parent : place.holder;
                if (!seen.insert(user).second) continue;
                if (const Piece* other = counterpart(*user))
                    counterparts_.emplace(user, other);
                else
                    waiting.push_back(user);
            }
        }
    }
    [[nodiscard]] const std::map<const Piece*, const Piece*>& counterparts() const { return counterparts_; }

private:
    std::map<const Piece*, const Piece*> counterparts_;  // by user
};

class RenamedData {
public:
    RenamedData(const Changes& changes, Diagnostics& diagnostics)
        : pairs_(changes.pairs()), diagnostics_(diagnostics) {}

    void refuse() {
        std::vector<const Piece*> gone;
        for (const Piece& piece : pairs_.original().pieces()) {
            if (can_be_renamed(piece) && pairs_.patched_of(piece) == nullptr) gone.push_back(&piece);
        }
        if (gone.empty()) return;
        std::optional<Uses> before, after;
        for (const Piece& piece : pairs_.patched().pieces()) {
            const bool is_new = can_be_renamed(piece) && pairs_.original_of(piece) == nullptr;
            if (!is_new || !pairs_.candidates(piece).empty()) continue;
            if (!before) before.emplace(pairs_.original());
            if (!after) after.emplace(pairs_.patched());
            judge(*before, gone, *after, piece);
        }
    }

private:
    // A constant without pointers to it is its content, which the new functions bring along.
    static bool has_state(const Uses& before, const Piece& gone, const Uses& after, const Piece& added) {
        if (gone.role != added.role) return false;
        if (gone.role == Role::data) return true;
        return gone.range.size() == added.range.size() && !before.of_address(gone).empty() &&
               !after.of_address(added).empty();
    }

    void judge(const Uses& before, const std::vector<const Piece*>& gone, const Uses& after, const Piece& added) {
        const UsersInBoth new_users(after, added, [&](const Piece& each) { return pairs_.original_of(each); });
        Finding* finding = nullptr;
        for (const Piece* each : gone) {
            if (is_for_others(*each, added)) {
                report_for_others(*each, added);
                return;
            }
            if (!has_state(before, *each, after, added)) continue;
            const UsersInBoth old_users(before, *each, [&](const Piece& user) { return pairs_.patched_of(user); });
            const auto shared = std::ranges::find_if(new_users.counterparts(), [&](const auto& user) {
                return old_users.counterparts().contains(user.second);
            });
            if (shared == new_users.counterparts().end()) continue;
            if (finding == nullptr)
                finding = &report(*shared->first, *each, added);
            else
                finding->note(fmt::format("so is '{}' ({} bytes)", each->name(), each->range.size()));
        }
    }

    // Their users are in other files.
    static bool is_for_others(const Piece& gone, const Piece& added) {
        return !gone.is_local() && !added.is_local() && gone.role == added.role &&
               gone.range.size() == added.range.size();
    }

    void report_for_others(const Piece& gone, const Piece& added) {
        const std::string_view kind = added.role == Role::data ? "variable" : "constant";
        diagnostics_
            .error("diff.renamed-data", pairs_.patched().where(added),
                   fmt::format("the {0} '{1}' ({2} bytes) is new and '{3}' is gone, both of which other files may use: "
                               "if they are one, '{1}' does not have what the running kernel keeps in the old one",
                               kind, added.name(), added.range.size(), gone.name()))
            .hint(fmt::format("leave '{0}' its name if it is the same {1}; if not, keep it in the file beside '{2}'",
                              gone.name(), kind, added.name()));
    }

    Finding& report(const Piece& user, const Piece& gone, const Piece& added) {
        const std::string_view kind = added.role == Role::data ? "variable" : "constant";
        Finding& finding = diagnostics_.error(
            "diff.renamed-data", pairs_.patched().where(added),
            fmt::format("'{}' uses the new {} '{}' ({} bytes) where it used '{}' ({} bytes), which is gone: if both "
                        "are one, the new one does not have what the running kernel keeps in the old one",
                        user.label(), kind, added.name(), added.range.size(), gone.name(), gone.range.size()));
        finding.hint(
            fmt::format("leave '{}' its name if it is the same {}; if not, keep it in the file beside '{}', "
                        "marked __used, so that it is plain that they are two",
                        gone.name(), kind, added.name()));
        return finding;
    }

    const Correlation& pairs_;
    Diagnostics& diagnostics_;
};

}  // namespace

void refuse_renamed_data(const Changes& changes, Diagnostics& diagnostics) {
    RenamedData(changes, diagnostics).refuse();
}

}  // namespace klp::diff
