// SPDX-License-Identifier: GPL-2.0-or-later
// From what can be proven at once to all that follows: a proven function says where the things are that it
// refers to; a function found so is proven in its turn, a variable found so says where its pointers point.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "resolve/image.hpp"
#include "resolve/originals.hpp"
#include "resolve/proof.hpp"

namespace klp::resolve {

// What is known of one function of the original object.
struct Search {
    std::vector<Fit> equal;           // shipped functions of its name that equal it
    bool name_found = false;          // there is some shipped symbol of its name
    std::optional<Mismatch> nearest;  // of the shipped function that agrees longest, where none is equal
    std::optional<Fit> settled;       // the one that it is
    std::string witness;              // how that is known, where the name alone did not tell
    std::string conflict;             // why it cannot be believed
};

// Where a symbol is, on whose word.
struct WitnessedPlace {
    Place place;
    std::string witness;   // "meminfo_proc_show+0x1f"
    std::string conflict;  // another witness that says otherwise
};

class Prover {
public:
    Prover(const Originals& originals, const Image& image, const Matcher& matcher);

    [[nodiscard]] const std::map<const Piece*, Search>& searches() const noexcept { return searches_; }
    // By piece, or by undefined symbol.
    [[nodiscard]] const std::map<const void*, WitnessedPlace>& places() const noexcept { return places_; }

private:
    struct Located {
        const Piece* piece;
        Place place;
        std::string witness;
    };

    void search_by_name(const Piece& piece);
    void settle(const Piece& piece, const Fit& fit, std::string witness);
    void follow();
    void follow_function(const Located& located);
    void question(const Piece& piece, const Fit& fit);
    void record(const Field& field, const Place& place, const Piece& witness);
    void start_from_variables();
    bool separate();

    const Originals& originals_;
    const Image& image_;
    const Matcher& matcher_;
    std::map<const Piece*, Search> searches_;
    std::map<const void*, WitnessedPlace> places_;
    Locations known_;
    std::deque<Located> queue_;
};

}  // namespace klp::resolve
