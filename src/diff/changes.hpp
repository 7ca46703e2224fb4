// SPDX-License-Identifier: GPL-2.0-or-later
// What differs between the two objects, and everything that has to be replaced because of it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "diff/correlate.hpp"
#include "diff/directives.hpp"
#include "diff/ways_in.hpp"

namespace klp::diff {

class Changes {
public:
    // None yet. Both must outlive it.
    Changes(const Correlation& pairs, const Directives& directives);

    [[nodiscard]] const Correlation& pairs() const noexcept { return pairs_; }
    [[nodiscard]] const Directives& directives() const noexcept { return directives_; }
    // Whether the author wants the change of this piece left out: it has none then.
    [[nodiscard]] bool ignores(const Piece& patched) const { return left_out_.contains(&patched); }
    [[nodiscard]] const std::string& left_out(const Piece& patched) const { return left_out_.at(&patched); }
    [[nodiscard]] bool has(const Piece& patched) const { return reasons_[patched.index].has_value(); }
    // Why, for people; empty where it did not change.
    [[nodiscard]] std::string reason(const Piece& patched) const { return reasons_[patched.index].value_or(""); }
    void mark(const Piece& patched, std::string reason);                // the first reason stays
    void forgive(const Piece& patched) { forgiven_.insert(&patched); }  // it is never marked
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

    // Differs in numbers of lines alone (line_numbers.hpp), which is no change.
    void note_lines(const Piece& patched) { other_lines_.push_back(&patched); }
    // Functions of which nothing else changed, by name.
    [[nodiscard]] std::vector<std::string> functions_with_other_lines() const;

    // A changed constant of which no copy can be made, because its address is more than the place to read from: it is
    // stored, compared or handed on. The places of it, for people.
    void keep(const Piece& patched, std::vector<std::string> places) { kept_[&patched] = std::move(places); }
    [[nodiscard]] const std::vector<std::string>* places_of_kept(const Piece& patched) const;

    // A changed function that ftrace cannot hook, and that comes along with its callers, which are replaced instead.
    void carry(const Piece& patched) { carried_.insert(&patched); }
    [[nodiscard]] bool is_carried(const Piece& patched) const { return carried_.contains(&patched); }
    // Those of them without a caller that still runs.
    void add_unreachable(const Piece& patched) { unreachable_.push_back(&patched); }
    [[nodiscard]] const std::vector<const Piece*>& unreachable() const noexcept { return unreachable_; }
    // The same, where that cannot be: why not, for people.
    void block(const Piece& patched, std::vector<std::string> obstacles) {
        obstacles_[&patched] = std::move(obstacles);
    }
    [[nodiscard]] const std::vector<std::string>* obstacles_to(const Piece& patched) const;

    // The changed function that data of both objects has addresses inside of (labels of a computed goto); null: none.
    [[nodiscard]] const Piece* leads_into(const Piece& patched) const;

private:
    const Correlation& pairs_;
    const Directives& directives_;
    std::map<const Piece*, std::string> left_out_;     // ignored pieces, with what mark() would have said of them
    std::vector<std::optional<std::string>> reasons_;  // by index of the piece
    std::size_t count_ = 0;
    std::set<const Piece*> forgiven_;
    std::vector<const Piece*> other_lines_;
    std::map<const Piece*, std::vector<std::string>> kept_;
    std::set<const Piece*> carried_;
    std::vector<const Piece*> unreachable_;
    std::map<const Piece*, std::vector<std::string>> obstacles_;
};

// For objects that say what ftrace can hook.
struct Hooking {
    bool is_module = false;  // whose __exit code is there
};

// Compares all pieces that have a counterpart: functions with their .cold parts, constants with the constants and
// functions that refer to them, tables with the functions that they lead into, and, with `hooking`, what cannot be
// hooked with its callers. Functions named in `unchanged`, with their .cold parts, count as equal, unless they are
// clones (`f.isra.0`). `same_lines`: numbers of lines are compared like all others.
[[nodiscard]] Changes find_changes(const Correlation& pairs, const Directives& directives,
                                   const std::optional<Hooking>& hooking,
                                   const std::set<std::string, std::less<>>& unchanged, bool same_lines);

// Functions of both objects that changed, or did not.
[[nodiscard]] std::set<std::string, std::less<>> functions_of_both(const Changes& changes, bool changed);

// The part for what cannot be hooked.
class UnhookableFunctions {
public:
    UnhookableFunctions(Changes& changes, const Hooking& hooking) : changes_(changes), hooking_(hooking) {}

    // Marks the callers of those that changed, or says what stands in the way.
    void spread();

private:
    struct Callers {
        std::vector<const Piece*> patched;
        std::vector<std::string> obstacles;
    };
    void judge(const Piece& original, const Piece& patched);
    [[nodiscard]] Callers callers_of(const Piece& original, const Piece& patched);

    Changes& changes_;
    Hooking hooking_;
    std::set<const Piece*> judged_;
    std::optional<WaysIn> original_ways_, patched_ways_;
};

}  // namespace klp::diff
