// SPDX-License-Identifier: GPL-2.0-or-later
// What stays in the running kernel and has an address inside of a replaced function: ftrace diverts calls alone, so
// that whoever uses such an address is in the old body. Labels are of use to their own function, which is not seen
// here, as are named constants and variables, which change with the function (changes.cpp).
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "diff/compare.hpp"
#include "diff/refuse.hpp"
#include "diff/uses.hpp"

namespace klp::diff {

namespace {

const Piece& function_with(const Piece& code) {
    return code.parent != nullptr ? *code.parent : code;
}

class PlacesInside {
public:
    PlacesInside(const Changes& changes, Diagnostics& diagnostics)
        : changes_(changes), original_(changes.pairs().original()), diagnostics_(diagnostics) {}

    void refuse() {
        for (const Piece& piece : original_.pieces()) {
            if (!stays(piece)) continue;
            for (const Field& field : original_.fields(piece)) judge(piece, field, original_.bias(field, piece));
            for (const SpecialEntry& entry : piece.entries) {
                for (const Field& field : original_.fields(entry)) {
                    const std::int64_t bias =
                        original_.architecture().addend_bias(*entry.section, entry.range, *field.relocation);
                    judge(piece, field, bias, &entry);
                }
            }
        }
    }

private:
    [[nodiscard]] bool stays(const Piece& piece) const {
        const Piece* patched = changes_.pairs().patched_of(piece);
        switch (piece.role) {
            case Role::code:
            case Role::exit_code:
                return patched != nullptr && !changes_.has(*patched);
            case Role::constant:
                return !piece.has_identity();
            case Role::table:
            case Role::init_data:
                return true;
            case Role::data:
            case Role::init_code:
            case Role::code_pool:
            case Role::ignored:
            case Role::literal:
            case Role::special:
                return false;
        }
        return false;
    }

    void judge(const Piece& holder, const Field& field, std::int64_t bias, const SpecialEntry* entry = nullptr) {
        const Piece* code = field.target.piece;
        if (code == nullptr || !code->is_any_code() || is_start(holder, field, bias)) return;
        const Piece* patched = changes_.pairs().patched_of(*code);
        const Piece& function = function_with(*code);
        if (patched == nullptr || !changes_.has(*patched) || &function_with(holder) == &function) return;
        if (holder.role == Role::constant && is_used_by(holder, function)) return;
        report(holder, field, function, changes_.reason(*patched), entry);
    }

    [[nodiscard]] bool is_start(const Piece& holder, const Field& field, std::int64_t bias) const {
        const Piece& code = *field.target.piece;
        if (code.parent != nullptr || code.symbol() == nullptr) return false;
        const arch::Arch& architecture = original_.architecture();
        const auto offset =
            static_cast<std::uint64_t>(wrapped_sum(field.target.delta, static_cast<std::uint64_t>(bias)));
        return offset == 0 || (offset == architecture.local_entry(*code.symbol()) &&
                               architecture.is_branch(*holder.section, holder.range, *field.relocation));
    }

    // Compilers may put the tables of several functions in one place.
    [[nodiscard]] bool is_used_by(const Piece& constant, const Piece& function) {
        if (!uses_) uses_.emplace(original_);
        return std::ranges::any_of(uses_->of(constant), [&](const PlaceOfUse& each) {
            return &function_with(*each.holder) == &function ||
                   (each.holder->role == Role::constant && !each.holder->has_identity());
        });
    }

    void report(const Piece& holder, const Field& field, const Piece& function, const std::string& reason,
                const SpecialEntry* entry) {
        if (!reported_.insert({&holder, &function}).second) return;
        const elf::Section& section = entry == nullptr ? *holder.section : *entry->section;
        const std::string what = entry == nullptr ? fmt::format("'{}'", holder.label())
                                                  : fmt::format("an entry of '{}' in {}", holder.label(), section.name);
        diagnostics_
            .error(
                "diff.leads-inside", {original_.object().display_name(), section.name, field.offset()},
                fmt::format("{} has an address inside of function '{}', which changed ({}), and would go on using the "
                            "old one",
                            what, function.label(), reason))
            .hint("leave the function as it is, and change its callers");
    }

    const Changes& changes_;
    const Decomposition& original_;
    Diagnostics& diagnostics_;
    std::optional<Uses> uses_;
    std::set<std::pair<const Piece*, const Piece*>> reported_;
};

}  // namespace

void refuse_ways_inside(const Changes& changes, Diagnostics& diagnostics) {
    PlacesInside(changes, diagnostics).refuse();
}

}  // namespace klp::diff
