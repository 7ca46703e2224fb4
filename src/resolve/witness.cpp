// SPDX-License-Identifier: GPL-2.0-or-later
#include "resolve/witness.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace klp::resolve {

namespace {

void keep_nearest(Search& search, Mismatch mismatch) {
    if (!search.nearest || search.nearest->offset < mismatch.offset) search.nearest = std::move(mismatch);
}

}  // namespace

Prover::Prover(const Originals& originals, const Image& image, const Matcher& matcher)
    : originals_(originals), image_(image), matcher_(matcher) {
    for (const Piece* piece : originals_.named()) {
        if (is_function(*piece) && has_size(*piece)) search_by_name(*piece);
    }
    for (const Piece* piece : originals_.named()) {
        const auto found = searches_.find(piece);
        if (found == searches_.end()) continue;
        const Search& search = found->second;
        if (search.equal.size() == 1) settle(*piece, search.equal.front(), {});
    }
    follow();
    start_from_variables();
    while (separate()) follow();
}

void Prover::search_by_name(const Piece& piece) {
    Search& search = searches_[&piece];
    for (const std::string_view name : names_at_start(piece)) {
        for (const std::size_t index : image_.symbols().find(name)) {
            search.name_found = true;
            const Place place = image_.place_of(index);
            if (std::ranges::find(search.equal, place, &Fit::place) != search.equal.end()) continue;
            Comparison comparison = matcher_.compare(piece, place, known_);
            if (comparison.fit)
                search.equal.push_back(std::move(*comparison.fit));
            else
                keep_nearest(search, std::move(comparison.mismatch));
        }
    }
}

void Prover::settle(const Piece& piece, const Fit& fit, std::string witness) {
    const Place place = fit.place;
    Search& search = searches_[&piece];
    search.settled = fit;
    search.witness = std::move(witness);
    if (const Place& elsewhere = known_.set_once(&piece, place); elsewhere != place) {
        search.conflict = fmt::format("its bytes are at {}, but {} refers to it at {}", image_.describe(place),
                                      places_[&piece].witness, image_.describe(elsewhere));
        return;
    }
    question(piece, *search.settled);
}

// Asks a piece that lies at a proven place where the things are that it refers to.
void Prover::question(const Piece& piece, const Fit& fit) {
    for (const Field& field : originals_.fields(piece)) {
        if (identity(field.target) == nullptr) continue;
        if (const auto place = matcher_.place_of(piece, field, fit)) record(field, *place, piece);
    }
}

void Prover::record(const Field& field, const Place& place, const Piece& witness) {
    const Target& target = field.target;
    if (target.piece == &witness) return;
    std::string name = fmt::format("{}+{:#x}", names_at_start(witness).front(), offset_in(witness, field));
    const auto [found, first] = places_.try_emplace(identity(target), WitnessedPlace{place, name, {}});
    if (!first) {
        WitnessedPlace& witnessed = found->second;
        if (witnessed.place != place && witnessed.conflict.empty())
            witnessed.conflict = fmt::format("{} says {}, {} says {}", witnessed.witness,
                                             image_.describe(witnessed.place), name, image_.describe(place));
        return;
    }
    known_.set_once(identity(target), place);
    if (target.piece != nullptr) queue_.push_back({target.piece, place, std::move(name)});
}

void Prover::follow() {
    while (!queue_.empty()) {
        const Located located = std::move(queue_.front());
        queue_.pop_front();
        if (is_function(*located.piece)) {
            follow_function(located);
        } else if (const auto same = matcher_.compare(*located.piece, located.place, known_).fit) {
            question(*located.piece, *same);
        }
    }
}

void Prover::follow_function(const Located& located) {
    const auto found = searches_.find(located.piece);
    if (found == searches_.end()) return;
    Search& search = found->second;
    if (search.settled) {
        if (search.settled->place != located.place && search.conflict.empty())
            search.conflict =
                fmt::format("its bytes are at {}, but {} refers to it at {}", image_.describe(search.settled->place),
                            located.witness, image_.describe(located.place));
        return;
    }
    Comparison comparison = matcher_.compare(*located.piece, located.place, known_);
    if (comparison.fit) {
        settle(*located.piece, *comparison.fit, located.witness);
    } else {
        search.equal.clear();
        search.nearest = std::move(comparison.mismatch);
        search.name_found = true;
    }
}

// A variable of unique name with the shipped content is as good a witness as a function: operation tables name
// the callbacks that no code calls.
void Prover::start_from_variables() {
    const auto& symbols = image_.symbols();
    for (const Piece* piece : originals_.named()) {
        if (is_function(*piece) || !has_size(*piece) || known_.find(piece) != nullptr) continue;
        if (originals_.fields(*piece).empty()) continue;
        const auto found = symbols.find(names_at_start(*piece).front());
        if (found.size() != 1 || symbols.symbols()[found.front()].is_code()) continue;
        const Place place = image_.place_of(found.front());
        const auto same = matcher_.compare(*piece, place, known_).fit;
        if (!same) continue;
        known_.set_once(piece, place);
        question(*piece, *same);
        follow();
    }
}

// Of several equal functions, those drop out that refer to this unit's things at other places than known.
bool Prover::separate() {
    for (const Piece* piece : originals_.named()) {
        const auto found = searches_.find(piece);
        if (found == searches_.end() || found->second.settled || found->second.equal.size() < 2) continue;
        auto& equal = found->second.equal;
        std::erase_if(equal, [&](const Fit& fit) { return matcher_.compare_fields(*piece, fit, known_).has_value(); });
        if (equal.size() != 1) continue;
        settle(*piece, equal.front(), "the places it refers to");
        return true;
    }
    return false;
}

}  // namespace klp::resolve
