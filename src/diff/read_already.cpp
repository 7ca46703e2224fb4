// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/read_already.hpp"

#include <algorithm>
#include <array>

#include "diff/compare.hpp"

namespace klp::diff {

namespace {

bool is_constant(const Target& target) {
    return target.kind == Target::Kind::literal ||
           (target.kind == Target::Kind::piece && target.piece->role == Role::constant);
}

// Both of the patched side.
bool is_same_constant(const Target& a, const Target& b) {
    if (a.kind != b.kind) return false;
    if (a.kind == Target::Kind::piece) return a.piece == b.piece;
    return a.kind == Target::Kind::literal && a.section->entry_size == b.section->entry_size &&
           std::ranges::equal(literal_at(*a.section, a.anchor), literal_at(*b.section, b.anchor));
}

bool is_used_by_livepatch(const Changes& changes, const Target& constant) {
    const Decomposition& patched = changes.pairs().patched();
    return std::ranges::any_of(patched.pieces(), [&](const Piece& piece) {
        if (piece.role != Role::code || !changes.has(piece)) return false;
        return std::ranges::any_of(patched.fields(piece),
                                   [&](const Field& field) { return is_same_constant(field.target, constant); });
    });
}

}  // namespace

// Tables that only inform, or that nothing else in the kernel depends on.
std::optional<std::string_view> harm_of_leaving_out(std::string_view section) {
    struct Table {
        std::string_view section, consequence;
    };
    static constexpr std::array<Table, 5> tables = {{
        {"__modver", "the version in /sys/module stays"},
        {"_error_injection_whitelist", "no errors can be injected into the function"},
        {"_ftrace_eval_map", "formats of trace events show the number"},
        {".kunit_test_suites", "the tests are not run"},
        {".kunit_init_test_suites", "the tests are not run"},
    }};
    const auto found = std::ranges::find(tables, section, &Table::section);
    return found == tables.end() ? std::nullopt : std::optional(found->consequence);
}

bool differs_in_constants_alone(const Changes& changes, const Piece& piece) {
    const Correlation& pairs = changes.pairs();
    const Comparison comparison(pairs, [&](const Target& was, const Target& is) {
        return is_constant(was) && is_constant(is) && is_used_by_livepatch(changes, is);
    });
    const Piece* original = pairs.original_of(piece);
    return original != nullptr && comparison.equal(*original, piece) &&
           std::ranges::equal(original->cold_parts, piece.cold_parts,
                              [&](const Piece* was, const Piece* is) { return comparison.equal(*was, *is); });
}

}  // namespace klp::diff
