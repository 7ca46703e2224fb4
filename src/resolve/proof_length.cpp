// SPDX-License-Identifier: GPL-2.0-or-later
// Where a shipped function ends. kallsyms has no sizes, and overridden weak functions lose their names.
#include <fmt/format.h>

#include <algorithm>

#include "base/align.hpp"
#include "resolve/proof.hpp"

namespace klp::resolve {

std::optional<Mismatch> Matcher::compare_length(const Piece& piece, const Fit& fit,
                                                const std::optional<Extent>& extent) const {
    if (!extent) return Mismatch{piece.range.size(), "the end of the shipped function cannot be told"};
    if (extent->size < fit.size || (extent->exact && extent->size != fit.size))
        return Mismatch{piece.range.size(), fmt::format("recompiled {} bytes, shipped {}{}", fit.size,
                                                        extent->exact ? "" : "at most ", extent->size)};
    for (std::uint64_t at = fit.size; at < extent->size;) {
        const auto rest = image_.read(fit.place + static_cast<std::int64_t>(at), extent->size - at);
        if (rest && arch_.is_padding(*rest)) break;
        const std::uint64_t end = nameless_end(fit.place, at, extent->size);
        if (end == at && is_entry_behind(piece, fit, at, extent->size)) break;
        if (end == at)
            return Mismatch{piece.range.size(),
                            fmt::format("recompiled {} bytes, the shipped function goes on after that", fit.size)};
        at = end;
    }
    return std::nullopt;
}

// A weak function that another file overrides stays in the image, but its name does not: where one of this
// file follows the function, the end of it, else `at` itself. `at` and `room` count from the function.
std::uint64_t Matcher::nameless_end(const Place& function, std::uint64_t at, std::uint64_t room) const {
    for (const Piece* weak : originals_.weak_functions()) {
        const std::uint64_t from = function.offset + at;
        const std::uint64_t gap = align_up(from, weak->section->alignment) - from;
        const Place begin = function + static_cast<std::int64_t>(at + gap);
        const auto padding = image_.read(function + static_cast<std::int64_t>(at), gap);
        if (!padding || !arch_.is_padding(*padding)) continue;
        if (const auto fit = fit_bytes(*weak, begin, room - at - gap).fit) return at + gap + fit->size;
    }
    return at;
}

// The file linked next can begin with such a function, and its code is not known here. All branches of ours are
// compared and lead elsewhere, so that what follows belongs to ours only by name: it does not if, at the next place
// for a function, it begins with the entry call (to __fentry__) that ours begins with.
bool Matcher::is_entry_behind(const Piece& piece, const Fit& fit, std::uint64_t at, std::uint64_t room) const {
    const auto fields = originals_.fields(piece);
    if (fields.empty() || !fit.fields.empty()) return false;
    const Field& entry = fields.front();
    const std::uint64_t offset = offset_in(piece, entry);
    const std::uint64_t size = offset + entry.size;
    const std::uint64_t begin = align_up(fit.place.offset + at, piece.section->alignment) - fit.place.offset;
    if (entry.target.kind != Target::Kind::undefined || begin + size > room) return false;
    const Place behind = fit.place + static_cast<std::int64_t>(begin);
    const auto padding = image_.read(fit.place + static_cast<std::int64_t>(at), begin - at);
    const auto ours = image_.read(fit.place, offset);
    const auto theirs = image_.read(behind, offset);
    if (!padding || !arch_.is_padding(*padding) || !ours || !theirs || !std::ranges::equal(*ours, *theirs))
        return false;
    const Fit as_ours{behind, size, {}, false};
    const auto target = place_of(piece, entry, as_ours);
    return target && target == place_of(piece, entry, fit);
}

}  // namespace klp::resolve
