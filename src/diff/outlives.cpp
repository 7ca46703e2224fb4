// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/outlives.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "diff/compare.hpp"
#include "diff/names.hpp"
#include "diff/uses.hpp"

namespace klp::diff {

namespace {

class Outliving {
public:
    Outliving(const Changes& changes, const Selection& selection)
        : changes_(changes), patched_(changes.pairs().patched()), selection_(selection) {}

    std::vector<std::string> warn(Diagnostics& diagnostics) {
        for (const Piece* piece : selection_.pieces) {
            for (const Field& field : patched_.fields(*piece)) look_at({piece, &field});
        }
        std::vector<std::string> lines;
        for (const Piece* target : in_order_) {
            const std::vector<PlaceOfUse>& places = places_.at(target);
            report(diagnostics, patched_.where(*places.front().holder), what(*target), places);
            lines.push_back(line(*target->symbol(), places.front()));
        }
        warn_of_literals(diagnostics);
        for (const PlaceOfUse& each : literals_) lines.push_back(fmt::format("a constant in {}", place_of(each)));
        return lines;
    }

private:
    void look_at(const PlaceOfUse& place) {
        const Target& target = place.field->target;
        if (target.kind != Target::Kind::piece && target.kind != Target::Kind::literal) return;
        const bool is_in_itself = target.piece == place.holder && !place.holder->is_any_code();
        if (is_in_itself) return;  // as an empty list_head: that goes when it does
        const arch::Use use = use_at(patched_, place, Term::call);
        if (!keeps_address(use)) return;
        const bool is_empty = target.kind == Target::Kind::piece && target.piece->range.size() == 0;
        if (is_empty) return;  // as the keys of lockdep are without it: nothing is read there
        if (target.kind == Target::Kind::literal || !target.piece->has_identity()) {
            if (use == arch::Use::stored || is_kept_as_name(patched_, place)) literals_.push_back(place);
        } else if (is_of_livepatch(*place.field, {*place.holder})) {
            std::vector<PlaceOfUse>& places = places_[target.piece];
            if (places.empty()) in_order_.push_back(target.piece);
            places.push_back(place);
        }
    }

    // One finding a function: it may have a message for each of its errors.
    void warn_of_literals(Diagnostics& diagnostics) const {
        for (auto each = literals_.begin(); each != literals_.end();) {
            const auto next =
                std::find_if(each, literals_.end(), [&](const auto& place) { return place.holder != each->holder; });
            report(diagnostics, patched_.where(*each->holder), describe(each->field->target), {each, next});
            each = next;
        }
    }

    // State of messages is used by functions that return; descriptors of pr_debug come and go with the module. Labels
    // are of use to their own function alone.
    bool is_of_livepatch(const Field& field, const Holder& holder) const {
        const Piece& piece = *field.target.piece;
        if (!selection_.included.contains(&piece) || refers_to_original(changes_, field, holder)) return false;
        if (piece.is_any_code()) {
            const bool is_label = !holder.piece.is_any_code() && field.target.delta != 0;
            return piece.is_function() && !is_label && changes_.pairs().original_of(piece) == nullptr;
        }
        if (piece.role != Role::data && piece.role != Role::constant) return false;
        return (!piece.is_of_message() || piece.base == "__key") && !is_table_of(piece, holder.piece);
    }

    bool is_table_of(const Piece& table, const Piece& code) const {
        return std::ranges::any_of(patched_.fields(table), [&](const Field& field) {
            const Piece* target = field.target.piece;
            if (target == nullptr || !target->is_any_code() || field.target.delta == 0) return false;
            return target == &code || target == code.parent;
        });
    }

    static std::string what(const Piece& piece) {
        if (piece.is_any_code()) return fmt::format("new function '{}'", piece.name());
        return fmt::format("new {} '{}'", piece.role == Role::data ? "variable" : "constant", piece.name());
    }

    static std::string place_of(const PlaceOfUse& place) {
        return fmt::format("'{}'+{:#x}", place.holder->label(), place.field->offset() - place.holder->range.begin);
    }
    static std::string line(const elf::Symbol& target, const PlaceOfUse& place) {
        return fmt::format("'{}' in {}", target.name, place_of(place));
    }

    static void report(Diagnostics& diagnostics, Location where, const std::string& what,
                       const std::vector<PlaceOfUse>& places) {
        const PlaceOfUse& first = places.front();
        where.offset = first.field->offset();
        Finding& finding = diagnostics.warning(
            "diff.outlives", std::move(where),
            fmt::format("the address of {} is handed on or stored by {}: what keeps it leads nowhere once the "
                        "livepatch is unloaded",
                        what, place_of(first)));
        for (std::size_t i = 1; i < places.size(); ++i) finding.note(fmt::format("and by {}", place_of(places[i])));
        finding.hint("unless it is given back before the function returns, do not unload the livepatch");
    }

    const Changes& changes_;
    const Decomposition& patched_;
    const Selection& selection_;
    std::map<const Piece*, std::vector<PlaceOfUse>> places_;  // by target
    std::vector<const Piece*> in_order_;
    std::vector<PlaceOfUse> literals_;
};

}  // namespace

std::vector<std::string> warn_of_what_outlives(const Changes& changes, const Selection& selection,
                                               Diagnostics& diagnostics) {
    return Outliving(changes, selection).warn(diagnostics);
}

}  // namespace klp::diff
