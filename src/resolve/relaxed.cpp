// SPDX-License-Identifier: GPL-2.0-or-later
#include "resolve/relaxed.hpp"

#include <algorithm>

namespace klp::resolve {

namespace {

// One side: code in a section, cut into instructions. Offsets count from the start of the function.
class Side {
public:
    Side(const arch::Arch& arch, const elf::Section& section, arch::Range range)
        : arch_(arch), section_(section), range_(range), starts_(arch.instruction_starts(section, range)) {
        for (std::uint64_t& start : starts_) start -= range.begin;
    }

    [[nodiscard]] std::size_t count() const { return starts_.size(); }
    [[nodiscard]] std::uint64_t begin(std::size_t i) const { return i < count() ? starts_[i] : range_.size(); }
    [[nodiscard]] std::uint64_t length(std::size_t i) const { return begin(i + 1) - begin(i); }
    [[nodiscard]] Bytes bytes(std::size_t i) const {
        return section_.content().subspan(range_.begin + begin(i), length(i));
    }
    // Where the instruction branches to without a relocation, as an offset in the section.
    [[nodiscard]] std::optional<std::uint64_t> branch(std::size_t i) const {
        const auto found = arch_.implicit_references(section_, {range_.begin + begin(i), range_.begin + begin(i + 1)});
        return found.empty() ? std::nullopt : std::optional(found.front().target);
    }
    [[nodiscard]] std::optional<std::size_t> index_of(std::uint64_t section_offset) const {
        const auto found = std::ranges::lower_bound(starts_, section_offset - range_.begin);
        const auto index = static_cast<std::size_t>(found - starts_.begin());
        return begin(index) == section_offset - range_.begin ? std::optional(index) : std::nullopt;
    }
    [[nodiscard]] std::uint64_t origin() const { return range_.begin; }

private:
    const arch::Arch& arch_;
    const elf::Section& section_;
    arch::Range range_;
    std::vector<std::uint64_t> starts_;
};

class Walk {
public:
    Walk(const arch::Arch& arch, const Originals& originals, const Piece& function, const Place& shipped,
         const Side& ours, const Side& theirs)
        : arch_(arch),
          originals_(originals),
          function_(function),
          fields_(originals.fields(function)),
          ours_(ours),
          theirs_(theirs),
          fit_{shipped, 0, {}} {}

    std::optional<Fit> run() {
        if (theirs_.count() < ours_.count()) return std::nullopt;
        for (std::size_t i = 0; i < ours_.count(); ++i) {
            if (!step(i)) return std::nullopt;
        }
        if (fit_.fields.size() != fields_.size()) return std::nullopt;
        fit_.size = theirs_.begin(ours_.count());
        return std::move(fit_);
    }

private:
    bool step(std::size_t i) {
        const std::size_t first = fit_.fields.size();
        std::size_t last = first;
        while (last < fields_.size() && offset_in(function_, fields_[last]) < ours_.begin(i + 1)) ++last;
        if (first == last && step_inside(i)) return true;
        if (equal_beside_fields(i, first, last)) {
            for (std::size_t f = first; f < last; ++f)
                fit_.fields.push_back(
                    {theirs_.begin(i) + offset_in(function_, fields_[f]) - ours_.begin(i), std::nullopt});
            return first != last || !ours_.branch(i);
        }
        return last == first + 1 && step_shortened(i, fields_[first]);
    }

    // A branch inside the function: to the same instruction on both sides.
    bool step_inside(std::size_t i) {
        const bool same = std::ranges::equal(ours_.bytes(i), theirs_.bytes(i));
        if (!same && !arch_.same_branch(ours_.bytes(i), theirs_.bytes(i))) return false;
        const auto mine = ours_.branch(i);
        if (!mine) return same;
        const auto other = theirs_.branch(i);
        if (!other) return false;
        const auto target = ours_.index_of(*mine);
        return target && theirs_.index_of(*other) == target;
    }

    bool equal_beside_fields(std::size_t i, std::size_t first, std::size_t last) const {
        if (ours_.length(i) != theirs_.length(i)) return false;
        const Bytes mine = ours_.bytes(i);
        std::vector<std::byte> filled(theirs_.bytes(i).begin(), theirs_.bytes(i).end());
        for (std::size_t f = first; f < last; ++f) {
            const Field& field = fields_[f];
            const std::uint64_t at = offset_in(function_, field) - ours_.begin(i);
            if (at + field.size > mine.size()) return false;
            std::ranges::copy(mine.subspan(at, field.size), filled.begin() + static_cast<std::ptrdiff_t>(at));
        }
        return std::ranges::equal(mine, filled);
    }

    bool step_shortened(std::size_t i, const Field& field) {
        if (!arch_.same_branch(ours_.bytes(i), theirs_.bytes(i))) return false;
        const auto target = theirs_.branch(i);
        if (!target) return false;
        const std::int64_t bias = originals_.bias(function_, field);
        const auto from_start = static_cast<std::int64_t>(*target - theirs_.origin());
        fit_.fields.push_back({theirs_.begin(i), fit_.place + (from_start - field.relocation->addend - bias)});
        return true;
    }

    const arch::Arch& arch_;
    const Originals& originals_;
    const Piece& function_;
    std::span<const Field> fields_;
    const Side& ours_;
    const Side& theirs_;
    Fit fit_;
};

bool leaves_for_a_neighbour(const Originals& originals, const Piece& function) {
    return std::ranges::any_of(originals.fields(function), [&](const Field& field) {
        const Piece* piece = field.target.piece;
        return piece != nullptr && piece != &function && is_function(*piece);
    });
}

}  // namespace

std::optional<Fit> fit_relaxed(const arch::Arch& arch, const Image& image, const Originals& originals,
                               const Piece& function, const Place& shipped, std::uint64_t room) {
    const auto code = image.section_of(shipped);
    if (!code || !leaves_for_a_neighbour(originals, function)) return std::nullopt;
    try {
        const Side ours(arch, *function.section, function.range);
        const Side theirs(arch, *code->section, {code->offset, code->offset + room});
        return Walk(arch, originals, function, shipped, ours, theirs).run();
    } catch (const Error&) {
        return std::nullopt;  // no instructions, or a branch out of the section: not this function
    }
}

}  // namespace klp::resolve
