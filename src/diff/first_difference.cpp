// SPDX-License-Identifier: GPL-2.0-or-later
// Comparison::first_difference(), for those who want to see it.
#include <fmt/format.h>

#include <algorithm>

#include "diff/compare.hpp"

namespace klp::diff {

namespace {

constexpr std::uint64_t no_offset = ~std::uint64_t{0};

std::string reference_text(const Decomposition& object, const Piece& holder, const Field& field) {
    Target target = field.target;
    target.delta += object.bias(field, holder);
    return describe(target);
}

}  // namespace

// no_offset: the bytes are the same.
std::uint64_t Comparison::first_byte(const Extent& original, const Extent& patched) const {
    const auto a = masked(original.content, original, patched);
    const auto b = masked(patched.content, original, patched);
    const auto [at, end] = std::ranges::mismatch(a, b);
    if (at == a.end() && end == b.end())
        return original.range.size() == patched.range.size() ? no_offset
                                                             : std::min(original.range.size(), patched.range.size());
    return static_cast<std::uint64_t>(at - a.begin());
}

std::optional<FirstDifference> Comparison::first_field(const Extent& original, const Extent& patched) const {
    const auto offset = [](const Extent& extent, std::size_t i) {
        return i < extent.fields.size() ? extent.fields[i].offset() - extent.range.begin : no_offset;
    };
    for (std::size_t i = 0; i < std::max(original.fields.size(), patched.fields.size()); ++i) {
        const std::uint64_t was = offset(original, i);
        const std::uint64_t is = offset(patched, i);
        const Field* const a = was <= is ? &original.fields[i] : nullptr;
        const Field* const b = is <= was ? &patched.fields[i] : nullptr;
        if (a == nullptr || b == nullptr || a->relocation->type != b->relocation->type)
            return FirstDifference{std::min(was, is), nullptr, a, b, "a reference"};
        if (!same_target(a->target, b->target)) return FirstDifference{is, nullptr, a, b, "what it refers to"};
    }
    return std::nullopt;
}

std::optional<FirstDifference> Comparison::first_entry(const Piece& original, const Piece& patched) const {
    const auto entries_of = [](const Piece& piece) {
        std::vector<const SpecialEntry*> entries;
        for (const SpecialEntry& each : piece.entries)
            if (each.table->origin != arch::Origin::derived) entries.push_back(&each);
        return entries;
    };
    const auto a = entries_of(original);
    const auto b = entries_of(patched);
    for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
        const SpecialEntry& present = i < b.size() ? *b[i] : *a[i];
        if (i >= a.size() || i >= b.size() || a[i]->table != b[i]->table)
            return FirstDifference{present.owner_offset, present.table, nullptr, nullptr, "the number of entries"};
        if (auto found = compare(extent_of(pairs_.original(), *a[i]), extent_of(pairs_.patched(), *b[i])))
            return FirstDifference{present.owner_offset, present.table, nullptr, nullptr, std::move(*found)};
    }
    return std::nullopt;
}

std::optional<FirstDifference> Comparison::first_difference(const Piece& original, const Piece& patched) const {
    const Extent a = extent_of(pairs_.original(), original);
    const Extent b = extent_of(pairs_.patched(), patched);
    const std::uint64_t byte = first_byte(a, b);
    if (auto field = first_field(a, b); field && field->offset <= byte) {
        if (field->original != nullptr && field->patched != nullptr) {
            field->what =
                fmt::format("refers to {}, was {}", reference_text(pairs_.patched(), patched, *field->patched),
                            reference_text(pairs_.original(), original, *field->original));
        }
        return field;
    }
    if (byte != no_offset) return FirstDifference{byte, nullptr, nullptr, nullptr, "bytes"};
    if (auto entry = first_entry(original, patched)) return entry;
    auto other = difference(original, patched);
    if (!other) return std::nullopt;
    return FirstDifference{0, nullptr, nullptr, nullptr, std::move(*other)};
}

}  // namespace klp::diff
