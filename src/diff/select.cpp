// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/select.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "arch/module_loading.hpp"
#include "diff/names.hpp"
#include "diff/not_carried.hpp"
#include "diff/special_rules.hpp"

namespace klp::diff {

namespace {

class Selector {
public:
    Selector(const Changes& changes, const Options& options, Diagnostics& diagnostics)
        : changes_(changes),
          pairs_(changes.pairs()),
          patched_(pairs_.patched()),
          diagnostics_(diagnostics),
          rules_(changes, options, diagnostics) {}

    Selection run() {
        for (const Piece& piece : patched_.pieces()) {
            if (is_root(piece)) include(piece);
        }
        for (const Directives::Callback& each : changes_.directives().callbacks)
            if (each.function->role == Role::code) include(*each.function);
        while (!waiting_.empty()) {
            const Piece* piece = waiting_.back();
            waiting_.pop_back();
            follow(*piece);
        }
        for (const Piece& piece : patched_.pieces()) {
            if (selection_.included.contains(&piece)) selection_.pieces.push_back(&piece);
        }
        selection_.notes = rules_.take_notes();
        return std::move(selection_);
    }

private:
    // Global newcomers may be what another patched file refers to; local ones come when somebody needs them.
    [[nodiscard]] bool is_root(const Piece& piece) const {
        const Piece& function = piece.parent != nullptr ? *piece.parent : piece;
        if (piece.role == Role::code && changes_.has(piece)) return !changes_.is_carried(function);
        if (changes_.ignores(piece)) return false;
        const bool is_new = pairs_.original_of(piece) == nullptr && piece.symbol() != nullptr && !piece.is_local();
        return is_new && !is_static_call(piece) &&
               (piece.role == Role::code || piece.role == Role::data || piece.role == Role::constant);
    }

    static bool is_static_call(const Piece& piece) {
        return piece.section->name == ".static_call.text" || piece.name().starts_with("__SCK__");
    }

    void include(const Piece& piece) {
        if (selection_.included.insert(&piece).second) waiting_.push_back(&piece);
    }

    void follow(const Piece& piece) {
        for (const Field& each : patched_.fields(piece)) follow(each, {piece});
        for (const SpecialEntry& entry : piece.entries) {
            if (!rules_.keeps(entry)) {
                selection_.dropped.insert(&entry);
                continue;
            }
            for (const Field& each : patched_.fields(entry)) follow(each, {piece, &entry});
        }
    }

    void follow(const Field& field, const Holder& holder) {
        const Target& target = field.target;
        if (target.kind == Target::Kind::entry) {
            include(*target.entry->owner);
            return;
        }
        if (target.kind == Target::Kind::elsewhere) {
            refuse("diff.unknown-section", holder,
                   fmt::format("section {}, of which no part can be carried over", target.section->name))
                .hint("leave out what is placed there, or place it in no section of its own");
        }
        if (target.kind == Target::Kind::undefined) check_branch(field, holder);
        if (target.kind != Target::Kind::piece) return;
        if (refers_to_original(changes_, field, holder)) {
            check_original(*target.piece, holder);
            check_branch(field, holder);
        } else if (may_include(*target.piece, holder)) {
            include(*target.piece);
        }
    }

    // Compilers make both where caller and callee have one TOC, as they do before the caller is moved to a livepatch.
    void check_branch(const Field& field, const Holder& holder) {
        if (!holder.piece.is_any_code() || holder.entry != nullptr) return;
        const arch::ModuleLoading& loading = patched_.architecture().module_loading();
        const elf::Section& section = *holder.piece.section;
        if (const auto problem = loading.tail_call_problem(section, *field.relocation))
            refuse_branch("diff.tail-call", "goes over to", field, holder, *problem);
        else if (const auto obstacle = loading.call_problem(section, *field.relocation))
            refuse_branch("diff.local-call", "calls", field, holder, *obstacle);
    }

    void refuse_branch(std::string id, std::string_view does, const Field& field, const Holder& holder,
                       std::string_view problem) {
        diagnostics_
            .error(std::move(id), {patched_.object().display_name(), holder.piece.section->name, field.offset()},
                   fmt::format("'{}' {} '{}', which stays where it is: {}", holder.piece.label(), does,
                               field.target.name(), problem))
            .hint("call a copy of that function with another name: it comes along with the livepatch");
    }

    void check_original(const Piece& piece, const Holder& holder) {
        if (piece.role == Role::init_code || piece.role == Role::exit_code || piece.role == Role::init_data) {
            refuse(
                "diff.init-reference", holder,
                fmt::format("'{}' in {}, which is not there while the kernel runs", piece.name(), piece.section->name))
                .hint("write a new function or variable of another name, without __init or __exit, and use that");
        } else if (pairs_.original_of(piece)->symbol() == nullptr) {
            refuse("diff.anonymous-data", holder, fmt::format("data without a symbol in {}", piece.section->name))
                .hint(name_it);
        }
    }

    // False also for what refuse.cpp has reported already.
    bool may_include(const Piece& piece, const Holder& holder) {
        const bool is_entry = piece.role == Role::table || piece.role == Role::init_data;
        if (pairs_.original_of(piece) == nullptr &&
            (changes_.directives().ignores_section(piece.section->name) || (is_entry && changes_.ignores(piece)))) {
            refuse("diff.directive", holder,
                   fmt::format("the new '{}' in {}, which is to be left out", piece.label(), piece.section->name))
                .hint("do not leave it out, or do not use what is new there");
            return false;
        }
        switch (piece.role) {
            case Role::code:
                if (pairs_.original_of(piece) != nullptr || !is_static_call(piece)) return true;
                refuse("diff.static-call", holder,
                       fmt::format("the new static call '{}', which the kernel must know from its start", piece.name()))
                    .hint("call the function itself, or by way of a static variable that holds its address");
                return false;
            case Role::init_code:
            case Role::exit_code:
                check_original(piece, holder);
                return false;
            case Role::data:
                return may_include_data(piece, holder);
            case Role::code_pool:
            case Role::constant:
                return true;
            case Role::ignored:
            case Role::literal:
            case Role::init_data:
            case Role::table:
            case Role::special:
                return false;
        }
        return false;
    }

    bool may_include_data(const Piece& piece, const Holder& holder) {
        if (piece.symbol() == nullptr) {
            refuse("diff.anonymous-data", holder, fmt::format("data without a symbol in {}", piece.section->name))
                .hint(name_it);
            return false;
        }
        const auto candidates = pairs_.candidates(piece);
        if (candidates.empty()) return !changes_.has(piece);
        Finding& finding =
            diagnostics_.error("diff.ambiguous-local", patched_.where(holder.piece),
                               fmt::format("'{}' refers to static '{}', which may be new or one of the original's",
                                           holder.piece.label(), piece.name()));
        for (const Piece* each : candidates) finding.note(fmt::format("candidate: '{}'", each->name()));
        finding.hint("give a new static variable a name that the file has not; leave the others in their functions");
        return false;
    }

    Finding& refuse(std::string id, const Holder& holder, std::string_view what) {
        return diagnostics_.error(std::move(id), patched_.where(holder.piece),
                                  fmt::format("'{}' refers to {}", holder.piece.label(), what));
    }

    static constexpr const char* name_it = "give it a name: a static variable in the place of a literal";

    const Changes& changes_;
    const Correlation& pairs_;
    const Decomposition& patched_;
    Diagnostics& diagnostics_;
    SpecialRules rules_;
    Selection selection_;
    std::vector<const Piece*> waiting_;
};

// The new function may be gone when the pointer is used (livepatch disabled and unloaded), and code may compare
// it with what it stored before: the original's address is good for both, for ftrace leads it to the new one.
bool takes_address(const Decomposition& patched, const Field& field, const Holder& holder) {
    if (holder.entry != nullptr || !field.target.piece->is_function()) return false;
    const Piece& code = holder.piece;
    if (patched.architecture().is_branch(*code.section, code.range, *field.relocation)) return false;
    return field.target.delta + patched.bias(field, code) == 0;
}

}  // namespace

bool refers_to_original(const Changes& changes, const Field& field, const Holder& holder) {
    const Piece& piece = *field.target.piece;
    if (changes.pairs().original_of(piece) == nullptr || !piece.has_identity()) return false;
    return !changes.has(piece) || takes_address(changes.pairs().patched(), field, holder);
}

Selection select(const Changes& changes, const Options& options, Diagnostics& diagnostics) {
    return Selector(changes, options, diagnostics).run();
}

}  // namespace klp::diff
