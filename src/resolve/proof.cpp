// SPDX-License-Identifier: GPL-2.0-or-later
#include "resolve/proof.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "diff/names.hpp"
#include "resolve/relaxed.hpp"

namespace klp::resolve {

namespace {

constexpr std::uint64_t shown_bytes = 8;

std::string hex(Bytes bytes) {
    std::string text;
    for (const std::byte b : bytes.first(std::min<std::size_t>(bytes.size(), shown_bytes)))
        text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<unsigned>(b));
    return text;
}

Mismatch byte_mismatch(Bytes ours, Bytes theirs, std::uint64_t offset) {
    return {offset, fmt::format("bytes differ at +{:#x}: recompiled {}, shipped {}", offset, hex(ours.subspan(offset)),
                                hex(theirs.subspan(offset)))};
}

constexpr std::size_t longest_text = 60;

// Up to the terminator, or to what people read.
std::string text_of(Bytes bytes) {
    return std::string(c_string(as_text(bytes.first(std::min(bytes.size(), longest_text)))));
}

}  // namespace

const Place* Locations::find(const void* thing) const {
    const auto found = known_.find(thing);
    return found == known_.end() ? nullptr : &found->second;
}

const Place& Locations::set_once(const void* thing, const Place& place) {
    return known_.try_emplace(thing, place).first->second;
}

std::optional<Mismatch> Matcher::compare_bytes(const Piece& piece, const Place& shipped) const {
    const Bytes ours = piece.content();
    const auto theirs = image_.read(shipped, ours.size());
    if (!theirs) return Mismatch{0, "no shipped content at " + image_.describe(shipped)};
    std::uint64_t at = 0;
    const auto compare_until = [&](std::uint64_t end) -> std::optional<Mismatch> {
        const Bytes part = ours.subspan(at, end - at);
        const auto [mine, other] = std::ranges::mismatch(part, theirs->subspan(at, end - at));
        if (mine == part.end()) return std::nullopt;
        return byte_mismatch(ours, *theirs, at + static_cast<std::uint64_t>(mine - part.begin()));
    };
    const auto fields = originals_.fields(piece);
    for (const Field& field : fields) {
        const std::uint64_t offset = offset_in(piece, field);
        if (field.size == 0)
            return Mismatch{
                offset, fmt::format("relocation type {} at +{:#x} is not supported", field.relocation->type, offset)};
        if (offset < at || offset + field.size > ours.size())
            return Mismatch{offset, fmt::format("relocation fields overlap at +{:#x}", offset)};
        if (auto mismatch = compare_until(offset)) return mismatch;
        at = offset + field.size;
        if (!same_instruction(field, ours.subspan(offset), theirs->subspan(offset)))
            return byte_mismatch(ours, *theirs, offset);
    }
    if (auto mismatch = compare_until(ours.size())) return mismatch;

    const auto at_offset = [&](const Field& field) { return offset_in(piece, field); };
    for (const std::uint64_t offset : image_.relocated(shipped, ours.size())) {
        if (!std::ranges::binary_search(fields, offset, {}, at_offset))
            return Mismatch{offset, fmt::format("relocation at +{:#x} in the shipped bytes alone", offset)};
    }
    return std::nullopt;
}

// Of a field's bits, those are the instruction's that the relocation does not write.
bool Matcher::same_instruction(const Field& field, Bytes ours, Bytes theirs) const {
    const auto info = arch_.relocation_info(field.relocation->type);
    return info && arch_.same_beside(*info, ours, theirs);
}

std::optional<Place> Matcher::place_of(const Piece& piece, const Field& field, const Fit& fit) const {
    const auto symbol = symbol_of(piece, field, fit);
    if (!symbol) return std::nullopt;
    return *symbol + originals_.shift(piece, field);
}

FieldPlace Matcher::shipped_field(const Piece& piece, const Field& field, const Fit& fit) const {
    if (fit.fields.empty()) return {offset_in(piece, field), std::nullopt};
    return fit.fields[static_cast<std::size_t>(&field - originals_.fields(piece).data())];
}

std::optional<Place> Matcher::symbol_of(const Piece& piece, const Field& field, const Fit& fit) const {
    const FieldPlace shipped = shipped_field(piece, field, fit);
    if (shipped.target) return shipped.target;
    const Place place = fit.place + static_cast<std::int64_t>(shipped.offset);
    if (const auto symbol = image_.symbol_of_field(place, *field.relocation)) return symbol;
    const auto part = image_.part_of_field(place, *field.relocation);
    return part ? symbol_of_pair(piece, field, *part, fit) : std::nullopt;
}

std::optional<Place> Matcher::symbol_of_pair(const Piece& piece, const Field& field, const arch::TargetPart& part,
                                             const Fit& fit) const {
    const auto base = part.base.empty() ? std::optional(Place()) : base_of(piece, part.base, fit);
    if (!base) return std::nullopt;
    for (const Field& other : originals_.fields(piece)) {
        if (other.relocation->symbol != field.relocation->symbol) continue;
        const FieldPlace shipped = shipped_field(piece, other, fit);
        if (shipped.target) continue;
        const auto rest =
            image_.part_of_field(fit.place + static_cast<std::int64_t>(shipped.offset), *other.relocation);
        if (rest && rest->half != part.half && rest->pair == part.pair && rest->base == part.base)
            return *base + static_cast<std::int64_t>(part.value + rest->value);
    }
    return std::nullopt;
}

// The function itself makes the address that its others count from.
std::optional<Place> Matcher::base_of(const Piece& piece, std::string_view name, const Fit& fit) const {
    for (const Field& field : originals_.fields(piece)) {
        if (field.relocation->symbol->name != name) continue;
        const auto part = image_.part_of_field(
            fit.place + static_cast<std::int64_t>(shipped_field(piece, field, fit).offset), *field.relocation);
        if (part && part->base.empty()) return symbol_of_pair(piece, field, *part, fit);
    }
    return std::nullopt;
}

std::optional<Mismatch> Matcher::compare_fields(const Piece& piece, const Fit& fit, const Locations& known) const {
    Locations seen;
    for (const Field& field : originals_.fields(piece)) {
        if (auto text = compare_field(piece, field, fit, known, seen)) {
            const std::uint64_t offset = offset_in(piece, field);
            return Mismatch{offset, fmt::format("reference at +{:#x}: {}", offset, *text)};
        }
    }
    return std::nullopt;
}

Comparison Matcher::compare(const Piece& piece, const Place& shipped, const Locations& known) const {
    const auto extent = is_function(piece) ? image_.extent(shipped, names_inside(piece)) : std::nullopt;
    Comparison result = fit_bytes(piece, shipped, extent ? extent->size : 0);
    if (!result.fit) return result;
    auto mismatch = is_function(piece) ? compare_length(piece, *result.fit, extent) : std::nullopt;
    if (!mismatch) mismatch = compare_fields(piece, *result.fit, known);
    if (mismatch) return {std::nullopt, std::move(*mismatch)};
    return result;
}

Comparison Matcher::fit_bytes(const Piece& piece, const Place& shipped, std::uint64_t room) const {
    auto mismatch = compare_bytes(piece, shipped);
    if (!mismatch) return {Fit{shipped, piece.range.size(), {}, false}, {}};
    auto relaxed = is_function(piece) ? fit_relaxed(arch_, image_, originals_, piece, shipped, room) : std::nullopt;
    return {std::move(relaxed), std::move(*mismatch)};
}

std::optional<std::string> Matcher::compare_field(const Piece& piece, const Field& field, const Fit& fit,
                                                  const Locations& known, Locations& seen) const {
    const auto theirs = place_of(piece, field, fit);
    if (!theirs) return "the shipped field does not tell its target";
    const Target& ours = field.target;
    if (ours.kind == Target::Kind::absolute) return std::nullopt;
    const void* thing = identity(ours);
    if (thing == nullptr) return compare_content(originals_.content(piece, field), *theirs);
    if (thing == &piece) {
        if (*theirs == fit.place) return std::nullopt;
        return fmt::format("recompiled to the function itself, shipped to {}", image_.describe(*theirs));
    }
    if (auto text = compare_names(ours, *theirs)) return text;
    const Place* elsewhere = known.find(thing);
    if (elsewhere == nullptr) elsewhere = &seen.set_once(thing, *theirs);
    if (*elsewhere == *theirs) return std::nullopt;
    return fmt::format("'{}' is at {}, elsewhere at {}", ours.name(), image_.describe(*theirs),
                       image_.describe(*elsewhere));
}

// A name that the kernel does not list (without CONFIG_KALLSYMS_ALL: all data) proves and disproves nothing,
// unless another name is listed for exactly that place.
std::optional<std::string> Matcher::compare_names(const Target& ours, const Place& theirs) const {
    const auto names = ours.piece != nullptr ? names_at_start(*ours.piece) : std::vector{ours.name()};
    const auto shipped = image_.names_at(theirs);
    for (const PlaceName& there : shipped) {
        if (std::ranges::any_of(names, [&](std::string_view name) { return diff::same_but_number(name, there.name); }))
            return std::nullopt;
    }
    const bool known = std::ranges::any_of(names, [&](std::string_view name) { return image_.knows(name); });
    if (!known && shipped.empty()) return std::nullopt;
    return fmt::format("recompiled to '{}', shipped to {}", names.front(), image_.describe(theirs));
}

bool Matcher::equal_beside_fields(const Content& ours, Bytes theirs) const {
    std::vector<std::byte> filled(ours.bytes.begin(), ours.bytes.end());
    for (const elf::Relocation& relocation : ours.section->rela()) {
        const auto info = arch_.relocation_info(relocation.type);
        const std::uint64_t size = info ? info->size : 0;
        if (relocation.offset < ours.offset || relocation.offset + size > ours.offset + filled.size()) continue;
        const std::uint64_t at = relocation.offset - ours.offset;
        if (info && !arch_.same_beside(*info, ours.bytes.subspan(at), theirs.subspan(at))) return false;
        std::ranges::copy(theirs.subspan(at, size), filled.begin() + static_cast<std::ptrdiff_t>(at));
    }
    return std::ranges::equal(filled, theirs);
}

std::optional<std::string> Matcher::compare_content(const Content& ours, const Place& theirs) const {
    const elf::Section& section = *ours.section;
    if (ours.bytes.empty()) return std::nullopt;
    const auto other = image_.read(theirs, ours.bytes.size());
    if (!other) return fmt::format("recompiled to content of {}, shipped to {}", section.name, image_.describe(theirs));
    if (equal_beside_fields(ours, *other)) return std::nullopt;
    if (section.is_strings()) {
        const auto there = image_.section_of(theirs);
        const Bytes whole = there ? there->section->content().subspan(there->offset) : *other;
        return fmt::format("recompiled to \"{}\", shipped to \"{}\"", text_of(ours.bytes), text_of(whole));
    }
    return fmt::format("recompiled to {} of {}, shipped to {}", hex(ours.bytes), section.name, hex(*other));
}

}  // namespace klp::resolve
