// SPDX-License-Identifier: GPL-2.0-or-later
// Compilers take a static variable that nothing writes to for a constant. In the running kernel the code that the patch
// takes away has written to it, or module parameters and sysctl files that it takes away still lead to it.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "diff/layout_rules.hpp"
#include "diff/uses.hpp"

namespace klp::diff {

namespace {

const Piece* replaced_reader(const Correlation& pairs, const Selection& selection, const Uses& uses,
                             const Piece& variable) {
    for (const PlaceOfUse& place : uses.of(variable)) {
        const Piece* patched = pairs.patched_of(*place.holder);
        if (place.holder->role != Role::code || patched == nullptr || !selection.included.contains(patched)) continue;
        if (use_at(uses.object(), place, Term::call) == arch::Use::read) return place.holder;
    }
    return nullptr;
}

}  // namespace

void refuse_folded_data(const Changes& changes, const Selection& selection, const Options& options,
                        Diagnostics& diagnostics) {
    if (!options.types) return;
    const Correlation& pairs = changes.pairs();
    std::optional<Uses> uses;
    for (const Piece& piece : pairs.original().pieces()) {
        const bool is_gone = piece.role == Role::data && piece.symbol() != nullptr && piece.is_local() &&
                             piece.has_identity() && !piece.is_of_message() && pairs.patched_of(piece) == nullptr;
        if (!is_gone || !options.types->patched.placeless.contains(piece.base)) continue;
        if (!uses) uses.emplace(pairs.original());
        const Piece* reader = replaced_reader(pairs, selection, *uses, piece);
        if (reader == nullptr) continue;
        diagnostics
            .error("diff.folded-data", pairs.original().where(*reader),
                   fmt::format("'{}' has read variable '{}', to which nothing writes in the patched file: the new code "
                               "takes it for its initial value, whatever the running kernel has there",
                               reader->name(), piece.base))
            .hint(fmt::format("mark '{}' __used, so that it is read; take it out of the source, if it is of no use any "
                              "more; a variable that is not static any more needs another name",
                              piece.base));
    }
}

}  // namespace klp::diff
