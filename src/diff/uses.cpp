// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/uses.hpp"

#include <fmt/format.h>

namespace klp::diff {

Uses::Uses(const Decomposition& object) : object_(object), places_(object.pieces().size()) {
    for (const Piece& holder : object.pieces()) {
        for (const Field& field : object.fields(holder)) {
            const Piece* target = field.target.piece;
            if (target != nullptr && target != &holder) places_[target->index].push_back({&holder, &field});
        }
    }
}

arch::Use Uses::kind(const PlaceOfUse& place) const {
    return object_.architecture().use_of(*place.holder->section, place.holder->range, *place.field->relocation);
}

std::vector<PlaceOfUse> Uses::of_address(const Piece& piece) const {
    std::vector<PlaceOfUse> result;
    for (const PlaceOfUse& each : of(piece)) {
        if (keeps_address(kind(each))) result.push_back(each);
    }
    return result;
}

bool keeps_address(arch::Use use) {
    return use == arch::Use::address || use == arch::Use::stored;
}

std::string describe(const PlaceOfUse& place) {
    return fmt::format("'{}' at +{:#x}", place.holder->label(), place.field->offset() - place.holder->range.begin);
}

}  // namespace klp::diff
