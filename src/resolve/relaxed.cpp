// SPDX-License-Identifier: GPL-2.0-or-later
#include "resolve/relaxed.hpp"

#include <algorithm>

namespace klp::resolve {

namespace {

constexpr std::uint64_t function_alignment = 16;  // at least, of all functions
constexpr std::uint64_t loop_alignment = 32;      // the least that is more than that
constexpr std::uint64_t shortest_fill = 2;        // what is shorter can be a trap behind a jump

struct Instruction {
    std::uint64_t fill = 0;  // where the nops before it begin that align it; else as `begin`
    std::uint64_t begin = 0, end = 0;
};

// One side: code in a section, cut into instructions, without the nops that align other ones. Offsets count from the
// start of the function.
class Side {
public:
    // `meant`: offsets of nops that mean something. `largest`: what code in it is aligned to at most.
    Side(const arch::Arch& arch, const elf::Section& section, arch::Range range,
         const std::vector<std::uint64_t>& meant, std::uint64_t largest)
        : arch_(arch), section_(section), range_(range) {
        const std::vector<std::uint64_t> starts = arch.instruction_starts(section, range);
        for (std::size_t i = 0; i < starts.size(); ++i) {
            const std::uint64_t begin = starts[i] - range.begin;
            const std::uint64_t end = i + 1 < starts.size() ? starts[i + 1] - range.begin : range.size();
            add({begin, begin, end}, meant, largest);
        }
        finish_run(run_.size());
    }

    [[nodiscard]] std::size_t count() const { return instructions_.size(); }
    [[nodiscard]] std::uint64_t begin(std::size_t i) const { return instructions_[i].begin; }
    [[nodiscard]] std::uint64_t end(std::size_t i) const { return instructions_[i].end; }
    [[nodiscard]] std::uint64_t length(std::size_t i) const { return end(i) - begin(i); }
    [[nodiscard]] Bytes bytes(std::size_t i) const { return content(begin(i), end(i)); }
    [[nodiscard]] Bytes fill(std::size_t i) const { return content(instructions_[i].fill, begin(i)); }
    [[nodiscard]] bool is_aligned(std::size_t i) const { return place(begin(i)) % loop_alignment == 0; }
    // Where the instruction branches to without a relocation, as an offset in the section.
    [[nodiscard]] std::optional<std::uint64_t> branch(std::size_t i) const {
        const auto found = arch_.implicit_references(section_, {range_.begin + begin(i), range_.begin + end(i)});
        return found.empty() ? std::nullopt : std::optional(found.front().target);
    }
    [[nodiscard]] std::optional<std::size_t> index_of(std::uint64_t section_offset) const {
        const std::uint64_t offset = section_offset - range_.begin;
        const auto found = std::ranges::lower_bound(instructions_, offset, {}, &Instruction::begin);
        const bool is_there = found == instructions_.end() ? offset == range_.size() : offset >= found->fill;
        return is_there ? std::optional(static_cast<std::size_t>(found - instructions_.begin())) : std::nullopt;
    }
    [[nodiscard]] std::uint64_t origin() const { return range_.begin; }

private:
    [[nodiscard]] Bytes content(std::uint64_t from, std::uint64_t to) const {
        return section_.content().subspan(range_.begin + from, to - from);
    }
    [[nodiscard]] std::uint64_t place(std::uint64_t offset) const { return section_.address + range_.begin + offset; }

    // Nops are put aside until it is known whether what follows is aligned.
    void add(Instruction each, const std::vector<std::uint64_t>& meant, std::uint64_t largest) {
        const bool fills = each.end - each.begin >= shortest_fill && arch_.is_padding(content(each.begin, each.end)) &&
                           std::ranges::find(meant, each.begin) == meant.end();
        if (fills && largest > function_alignment) {
            run_.push_back(each);
            return;
        }
        const bool aligns =
            !run_.empty() && place(each.begin) % function_alignment == 0 && each.begin - run_.front().begin < largest;
        if (aligns) each.fill = run_.front().begin;
        finish_run(aligns ? 0 : run_.size());
        instructions_.push_back(each);
    }
    void finish_run(std::size_t kept) {
        instructions_.insert(instructions_.end(), run_.begin(), run_.begin() + static_cast<std::ptrdiff_t>(kept));
        run_.clear();
    }

    const arch::Arch& arch_;
    const elf::Section& section_;
    arch::Range range_;
    std::vector<Instruction> instructions_, run_;
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
          fit_{shipped, 0, {}, false} {}

    std::optional<Fit> run() {
        if (ours_.count() == 0 || theirs_.count() < ours_.count()) return std::nullopt;
        for (std::size_t i = 0; i < ours_.count(); ++i) {
            if (!step(i)) return std::nullopt;
        }
        if (fit_.fields.size() != fields_.size()) return std::nullopt;
        fit_.size = theirs_.end(ours_.count() - 1);
        return std::move(fit_);
    }

private:
    bool step(std::size_t i) {
        const bool same_fill = std::ranges::equal(ours_.fill(i), theirs_.fill(i));
        if (!same_fill && !(ours_.is_aligned(i) && theirs_.is_aligned(i))) return false;
        fit_.realigned |= !same_fill;
        const std::size_t first = fit_.fields.size();
        std::size_t last = first;
        while (last < fields_.size() && offset_in(function_, fields_[last]) < ours_.end(i)) ++last;
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
            const auto info = arch_.relocation_info(field.relocation->type);
            if (!info || !arch_.same_beside(*info, mine.subspan(at), theirs_.bytes(i).subspan(at))) return false;
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

auto is_field_of(const Fit& fit) {
    return [&fit](std::uint64_t offset) {
        return std::ranges::any_of(fit.fields,
                                   [&](const FieldPlace& field) { return !field.target && field.offset == offset; });
    };
}

// Nops of the function that entries of special sections name: static keys, alternatives.
std::vector<std::uint64_t> meant_nops(const Piece& function) {
    std::vector<std::uint64_t> offsets;
    for (const diff::SpecialEntry& entry : function.entries)
        if (entry.table->origin == arch::Origin::source) offsets.push_back(entry.owner_offset);
    return offsets;
}

}  // namespace

std::optional<Fit> fit_relaxed(const arch::Arch& arch, const Image& image, const Originals& originals,
                               const Piece& function, const Place& shipped, std::uint64_t room) {
    const auto code = image.section_of(shipped);
    const std::uint64_t largest = function.section->alignment;
    if (!code || (!leaves_for_a_neighbour(originals, function) && largest <= function_alignment)) return std::nullopt;
    try {
        const Side ours(arch, *function.section, function.range, meant_nops(function), largest);
        const Side theirs(arch, *code->section, {code->offset, code->offset + room}, {}, largest);
        auto fit = Walk(arch, originals, function, shipped, ours, theirs).run();
        if (!fit || !std::ranges::all_of(image.relocated(shipped, fit->size), is_field_of(*fit))) return std::nullopt;
        return fit;
    } catch (const Error&) {
        return std::nullopt;  // no instructions, or a branch out of the section: not this function
    }
}

}  // namespace klp::resolve
