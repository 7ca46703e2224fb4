// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>

#include "diff/compare.hpp"
#include "diff/explained_side.hpp"
#include "diff/explanation.hpp"

namespace klp::diff {

namespace {

bool is_data(const Piece& piece) {
    return piece.role == Role::data || piece.role == Role::constant || piece.role == Role::init_data;
}

class Explainer {
public:
    Explainer(const Changes& changes, const Selection& selection, const ExplainOptions& options)
        : changes_(changes),
          pairs_(changes.pairs()),
          selection_(selection),
          options_(options),
          comparison_(pairs_),
          differences_(find_differences()),
          original_code_(options.disassembler, pairs_.original().object(), sections(pairs_.original())),
          patched_code_(options.disassembler, pairs_.patched().object(), sections(pairs_.patched())),
          original_{pairs_.original(), options.original, original_code_},
          patched_{pairs_.patched(), options.patched, patched_code_} {}

    Explanation run() {
        find_users();
        Explanation result;
        for (const Piece& piece : pairs_.patched().pieces()) {
            const bool is_selected = selection_.included.contains(&piece);
            if (!is_selected && !changes_.has(piece)) continue;
            if (piece.is_any_code() && piece.symbol() != nullptr)
                result.functions.push_back(explain_function(piece, is_selected));
            else if (is_data(piece) && piece.symbol() != nullptr)
                result.data.push_back(explain_data(piece, is_selected));
        }
        return result;
    }

private:
    std::map<const Piece*, FirstDifference> find_differences() const {
        std::map<const Piece*, FirstDifference> found;
        for (const Piece& piece : pairs_.patched().pieces()) {
            const Piece* original = pairs_.original_of(piece);
            if (original == nullptr || !changes_.has(piece)) continue;
            if (auto difference = comparison_.first_difference(*original, piece))
                found.emplace(&piece, *std::move(difference));
        }
        return found;
    }

    // Those of changed code in one of both objects.
    std::set<std::string> sections(const Decomposition& object) const {
        std::set<std::string> names;
        for (const auto& [piece, difference] : differences_) {
            if (!piece->is_any_code() || piece->role == Role::code_pool) continue;
            names.insert(&object == &pairs_.patched() ? piece->section->name
                                                      : pairs_.original_of(*piece)->section->name);
        }
        return names;
    }

    void find_users() {
        for (const Piece* holder : selection_.pieces) {
            if (holder->role == Role::code_pool) continue;  // it belongs to whoever it refers to
            for (const Field& field : pairs_.patched().fields(*holder)) add_user({*holder}, field);
            for (const SpecialEntry& entry : holder->entries) {
                if (selection_.dropped.contains(&entry)) continue;
                for (const Field& field : pairs_.patched().fields(entry)) add_user({*holder, &entry}, field);
            }
        }
    }

    void add_user(const Holder& holder, const Field& field) {
        const Piece* target = field.target.piece;
        if (target == nullptr || target == &holder.piece || field.target.kind != Target::Kind::piece) return;
        if (!selection_.included.contains(target) || refers_to_original(changes_, field, holder)) return;
        const Piece& piece = holder.piece;
        if (piece.parent == target || target->parent == &piece) return;
        UsedBy user{std::string(piece.label()), UsedBy::How::entry, 0, {}};
        if (holder.entry != nullptr) {
            user.offset = holder.entry->owner_offset;
        } else {
            user.offset = field.offset() - piece.range.begin;
            const bool is_call = piece.is_any_code() && pairs_.patched().architecture().is_branch(
                                                            *piece.section, piece.range, *field.relocation);
            user.how = is_call ? UsedBy::How::call : UsedBy::How::reference;
        }
        if (options_.patched != nullptr && piece.is_any_code())
            user.line = options_.patched->line_at(place_of(piece, user.offset));
        users_[target].push_back(std::move(user));
    }

    ExplainedPiece begin(const Piece& piece, bool is_selected) const {
        ExplainedPiece made;
        made.name = piece.name();
        made.section = piece.section->name;
        made.reason = changes_.reason(piece);
        made.is_selected = is_selected;
        if (options_.patched != nullptr) made.declared = options_.patched->declaration_at(place_of(piece, 0));
        if (const auto users = users_.find(&piece); users != users_.end()) made.used_by = users->second;
        return made;
    }

    ExplainedPiece explain_function(const Piece& piece, bool is_selected) const {
        ExplainedPiece made = begin(piece, is_selected);
        const Piece* original = pairs_.original_of(piece);
        made.status = piece.parent != nullptr      ? ExplainedStatus::included
                      : original == nullptr        ? ExplainedStatus::added
                      : changes_.is_carried(piece) ? ExplainedStatus::carried
                                                   : ExplainedStatus::changed;
        find_cause(made, piece);
        if (original != nullptr) find_inlined(made, *original, piece);
        return made;
    }

    void find_cause(ExplainedPiece& made, const Piece& piece) const {
        if (pairs_.original_of(piece) == nullptr) {
            made.cause = piece.parent != nullptr ? Cause::part : Cause::added;
        } else if (differences_.contains(&piece)) {
            made.cause = Cause::code;
            made.difference = difference_of(piece);
        } else if (const Piece* part = changed_part(piece)) {
            made.cause = Cause::part;
            made.subject = part->name();
            if (differences_.contains(part)) made.difference = difference_of(*part);
        } else if (const Piece* constant = changed_constant(piece)) {
            made.cause = Cause::constant;
            made.subject = constant->label();
            if (differences_.contains(constant)) made.difference = difference_of(*constant);
        } else if (const Piece* callee = carried_callee(piece)) {
            made.cause = Cause::callee;
            made.subject = callee->name();
        }
        if (made.cause == Cause::part && piece.parent != nullptr) made.subject = piece.parent->name();
    }

    // Of the parts of one function, the one that differs itself.
    const Piece* changed_part(const Piece& piece) const {
        for (const Piece* part : piece.cold_parts)
            if (pairs_.original_of(*part) == nullptr || differences_.contains(part)) return part;
        return piece.parent != nullptr && differences_.contains(piece.parent) ? piece.parent : nullptr;
    }

    const Piece* carried_callee(const Piece& piece) const {
        for (const Field& field : pairs_.patched().fields(piece)) {
            const Piece* target = field.target.piece;
            if (target != nullptr && changes_.is_carried(*target)) return target;
        }
        return nullptr;
    }

    const Piece* changed_constant(const Piece& piece) const {
        for (const Field& field : pairs_.patched().fields(piece)) {
            const Piece* target = field.target.piece;
            if (target != nullptr && is_data(*target) && changes_.has(*target)) return target;
        }
        return nullptr;
    }

    Difference difference_of(const Piece& piece) const {
        const FirstDifference& first = differences_.at(&piece);
        const Piece& original = *pairs_.original_of(piece);
        Difference made;
        made.offset = first.offset;
        made.what = first.what;
        if (first.table != nullptr) made.table = first.table->name;
        if (first.original != nullptr) made.original.content = original_.reference(original, *first.original);
        if (first.patched != nullptr) made.patched.content = patched_.reference(piece, *first.patched);
        original_.fill(made.original, original, first.offset);
        patched_.fill(made.patched, piece, first.offset);
        if (is_data(piece)) fill_data(made, original, piece);
        return made;
    }

    void fill_data(Difference& made, const Piece& original, const Piece& patched) const {
        std::optional<SourceMember> was;
        std::optional<SourceMember> is;
        if (options_.original != nullptr) was = options_.original->member_at(place_of(original, 0), made.offset);
        if (options_.patched != nullptr) is = options_.patched->member_at(place_of(patched, 0), made.offset);
        if (is) {
            made.member = is->path;
            made.type = is->type;
        }
        made.original.content = original_.content(original, made.offset, was ? &*was : nullptr);
        made.patched.content = patched_.content(patched, made.offset, is ? &*is : nullptr);
    }

    // Whether the patch touches lines of the function; nullopt: the debug information does not know it.
    std::optional<bool> touches(std::string_view function) const {
        if (options_.touched == nullptr || options_.original == nullptr) return std::nullopt;
        const auto extent = options_.original->extent_of(function);
        if (!extent) return std::nullopt;
        const auto ranges = options_.touched->find(extent->file);
        if (ranges == options_.touched->end()) return false;
        return std::ranges::any_of(ranges->second, [&](const LineRange& range) {
            if (range.is_gap) return range.first >= extent->first && range.last <= extent->last;
            return range.first <= extent->last && range.last >= extent->first;
        });
    }

    void find_inlined(ExplainedPiece& made, const Piece& original, const Piece& patched) const {
        made.is_in_patch = touches(source_name(patched));
        const auto add = [&](const SourceMap* source, const Piece& piece) {
            if (source == nullptr) return;
            for (const InlinedCall& each : source->inlined_in(place_of(piece, 0), piece.range.size())) {
                const bool is_known =
                    std::ranges::find(made.inlined, each.function, &InlinedChange::function) != made.inlined.end();
                if (!is_known && touches(each.function).value_or(false))
                    made.inlined.push_back({each.function, each.called_at});
            }
        };
        add(options_.patched, patched);
        add(options_.original, original);
    }

    // The compiler's clones and parts have another name in C.
    static std::string_view source_name(const Piece& piece) {
        const std::string_view name = (piece.parent != nullptr ? *piece.parent : piece).name();
        return name.substr(0, name.find('.'));
    }

    ExplainedPiece explain_data(const Piece& piece, bool is_selected) const {
        ExplainedPiece made = begin(piece, is_selected);
        if (pairs_.original_of(piece) == nullptr) {
            made.status = piece.has_identity() ? ExplainedStatus::added : ExplainedStatus::copied;
            made.cause = piece.has_identity() ? Cause::added : Cause::needed;
        } else if (differences_.contains(&piece)) {
            made.cause = Cause::content;
            made.difference = difference_of(piece);
        } else if (!changes_.has(piece)) {
            made.status = ExplainedStatus::copied;
            made.cause = Cause::needed;
        } else if (const Piece* constant = changed_constant(piece)) {
            made.cause = Cause::constant;
            made.subject = constant->label();
        }
        return made;
    }

    const Changes& changes_;
    const Correlation& pairs_;
    const Selection& selection_;
    const ExplainOptions& options_;
    Comparison comparison_;
    std::map<const Piece*, FirstDifference> differences_;  // by the patched piece
    Disassembly original_code_, patched_code_;
    ExplainedSide original_, patched_;
    std::map<const Piece*, std::vector<UsedBy>> users_;
};

}  // namespace

Explanation explain(const Changes& changes, const Selection& selection, const ExplainOptions& options) {
    return Explainer(changes, selection, options).run();
}

}  // namespace klp::diff
