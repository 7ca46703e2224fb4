// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/select.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "diff/names.hpp"
#include "diff/special_rules.hpp"

namespace klp::diff {

namespace {

class Selector {
public:
    Selector(Unit& patched, const Options& options, Diagnostics& diagnostics)
        : patched_(patched), diagnostics_(diagnostics), rules_(patched, options, diagnostics) {}

    Selection run() {
        for (Piece& piece : patched_.pieces()) {
            if (is_root(piece)) include(piece);
        }
        while (!waiting_.empty()) {
            Piece* piece = waiting_.back();
            waiting_.pop_back();
            follow(*piece);
        }
        for (Piece& piece : patched_.pieces()) {
            if (selection_.included.contains(&piece)) selection_.pieces.push_back(&piece);
        }
        selection_.notes = rules_.take_notes();
        return std::move(selection_);
    }

private:
    // Global newcomers may be what another patched file refers to; local ones come when somebody needs them.
    static bool is_root(const Piece& piece) {
        if (piece.role == Role::code && piece.changed) return true;
        const bool is_new = piece.twin == nullptr && piece.symbol() != nullptr && !piece.is_local();
        return is_new && !is_static_call(piece) &&
               (piece.role == Role::code || piece.role == Role::data || piece.role == Role::constant);
    }

    static bool is_static_call(const Piece& piece) {
        return piece.section->name == ".static_call.text" || piece.name().starts_with("__SCK__");
    }

    void include(Piece& piece) {
        if (selection_.included.insert(&piece).second) waiting_.push_back(&piece);
    }

    void follow(Piece& piece) {
        const Holder holder{*piece.section, piece.range, piece};
        for (const elf::Relocation& each : patched_.relocations(piece)) follow(each, holder);
        for (const SpecialEntry& entry : piece.entries) {
            if (!rules_.keeps(piece, entry)) {
                selection_.dropped.insert(&entry);
                continue;
            }
            const Holder in_entry{*entry.section, entry.range, piece, &entry};
            for (const elf::Relocation& each : patched_.relocations(*entry.section, entry.range))
                follow(each, in_entry);
        }
    }

    void follow(const elf::Relocation& relocation, const Holder& holder) {
        const Target target = patched_.locate(relocation, holder.section, holder.range);
        if (target.kind == Target::Kind::elsewhere) {
            refuse("diff.unknown-section", holder,
                   fmt::format("section {}, of which no part can be carried over", target.section->name));
        }
        if (target.kind != Target::Kind::piece || refers_to_original(patched_, relocation, target, holder)) {
            if (target.kind == Target::Kind::piece) check_original(*target.piece, holder);
            return;
        }
        if (may_include(*target.piece, holder)) include(*target.piece);
    }

    void check_original(const Piece& piece, const Holder& holder) {
        if (piece.role == Role::init_code || piece.role == Role::exit_code || piece.role == Role::init_data) {
            refuse(
                "diff.init-reference", holder,
                fmt::format("'{}' in {}, which is not there while the kernel runs", piece.name(), piece.section->name));
        } else if (piece.twin->symbol() == nullptr) {
            refuse("diff.anonymous-data", holder, fmt::format("data without a symbol in {}", piece.section->name));
        }
    }

    // False also for what refuse.cpp has reported already.
    bool may_include(const Piece& piece, const Holder& holder) {
        switch (piece.role) {
            case Role::code:
                if (piece.twin != nullptr || !is_static_call(piece)) return true;
                refuse(
                    "diff.static-call", holder,
                    fmt::format("the new static call '{}', which the kernel must know from its start", piece.name()));
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
            default:
                return false;
        }
    }

    bool may_include_data(const Piece& piece, const Holder& holder) {
        if (piece.symbol() == nullptr) {
            refuse("diff.anonymous-data", holder, fmt::format("data without a symbol in {}", piece.section->name));
            return false;
        }
        if (piece.candidates.empty()) return !piece.changed;
        constexpr std::string_view id = "diff.ambiguous-local";
        std::string message = fmt::format("'{}' refers to static '{}', which may be new or one of the original's",
                                          holder.piece.label(), piece.name());
        if (is_said(id, message)) return false;
        Finding& finding = diagnostics_.error(std::string(id), patched_.where(holder.piece), std::move(message));
        for (const Piece* each : piece.candidates) finding.note(fmt::format("candidate: '{}'", each->name()));
        finding.hint("give a new static variable a name that the file has not; leave the others in their functions");
        return false;
    }

    void refuse(std::string id, const Holder& holder, std::string_view what) {
        std::string message = fmt::format("'{}' refers to {}", holder.piece.label(), what);
        if (is_said(id, message)) return;
        diagnostics_.error(std::move(id), patched_.where(holder.piece), std::move(message));
    }

    [[nodiscard]] bool is_said(std::string_view id, std::string_view message) const {
        return std::ranges::any_of(diagnostics_.findings(),
                                   [&](const Finding& each) { return each.id == id && each.message == message; });
    }

    Unit& patched_;
    Diagnostics& diagnostics_;
    SpecialRules rules_;
    Selection selection_;
    std::vector<Piece*> waiting_;
};

// The new function may be gone when the pointer is used (livepatch disabled and unloaded), and code may compare
// it with what it stored before: the original's address is good for both, for ftrace leads it to the new one.
bool takes_address(const Unit& patched, const elf::Relocation& relocation, const Target& target, const Holder& holder) {
    if (holder.entry != nullptr || !target.piece->is_function()) return false;
    if (patched.architecture().is_branch(holder.section, holder.range, relocation)) return false;
    return target.delta + patched.bias(relocation, holder.section, holder.range) == 0;
}

}  // namespace

bool refers_to_original(const Unit& patched, const elf::Relocation& relocation, const Target& target,
                        const Holder& holder) {
    const Piece& piece = *target.piece;
    if (piece.twin == nullptr || !piece.has_identity()) return false;
    return !piece.changed || takes_address(patched, relocation, target, holder);
}

Selection select(Unit& patched, const Options& options, Diagnostics& diagnostics) {
    return Selector(patched, options, diagnostics).run();
}

}  // namespace klp::diff
