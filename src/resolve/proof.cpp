// SPDX-License-Identifier: GPL-2.0-or-later
#include "resolve/proof.hpp"

#include <fmt/format.h>

#include <algorithm>

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
    const std::string_view text = as_text(bytes.first(std::min(bytes.size(), longest_text)));
    return std::string(text.substr(0, text.find('\0')));
}

// The bytes from `offset` that a reference to unnamed content means: a string with its terminator, an entry of
// a mergeable section, or all that follows.
std::uint64_t content_size(const elf::Section& section, std::uint64_t offset) {
    const Bytes rest = section.content().subspan(offset);
    const std::uint64_t unit = std::max<std::uint64_t>(section.entry_size, 1);
    if (!section.is_strings())
        return section.entry_size != 0 ? std::min<std::uint64_t>(unit, rest.size()) : rest.size();
    std::uint64_t size = 0;
    while (size + unit <= rest.size()) {
        const Bytes character = rest.subspan(size, unit);
        size += unit;
        if (std::ranges::all_of(character, [](std::byte b) { return b == std::byte{0}; })) break;
    }
    return size;
}

}  // namespace

bool same_but_number(std::string_view a, std::string_view b) {
    const auto stem = [](std::string_view name) {
        const auto last = name.find_last_not_of("0123456789");
        const bool numbered = last != std::string_view::npos && last + 1 < name.size() && name[last] == '.';
        return numbered ? name.substr(0, last) : std::string_view();
    };
    return a == b || (!stem(a).empty() && stem(a) == stem(b));
}

const Place* Locations::find(const Referent& referent) const {
    const auto found = known_.find(referent.identity());
    return found == known_.end() ? nullptr : &found->second;
}

const Place& Locations::set_once(const Referent& referent, const Place& place) {
    return known_.try_emplace(referent.identity(), place).first->second;
}

std::optional<Mismatch> Matcher::compare_bytes(const Piece& piece, const Place& shipped) const {
    const Bytes ours = piece.content();
    const auto theirs = image_.read(shipped, ours.size());
    if (!theirs) return Mismatch{0, "no shipped content at " + image_.describe(shipped)};
    std::uint64_t at = 0;
    const auto compare_until = [&](std::uint64_t end) -> std::optional<Mismatch> {
        const auto [mine, other] = std::mismatch(ours.begin() + at, ours.begin() + end, theirs->begin() + at);
        if (mine != ours.begin() + end)
            return byte_mismatch(ours, *theirs, static_cast<std::uint64_t>(mine - ours.begin()));
        return std::nullopt;
    };
    for (const Field& field : piece.fields) {
        if (field.size == 0)
            return Mismatch{field.offset, fmt::format("relocation type {} at +{:#x} is not supported",
                                                      field.relocation->type, field.offset)};
        if (field.offset < at || field.offset + field.size > ours.size())
            return Mismatch{field.offset, fmt::format("relocation fields overlap at +{:#x}", field.offset)};
        if (auto mismatch = compare_until(field.offset)) return mismatch;
        at = field.offset + field.size;
    }
    if (auto mismatch = compare_until(ours.size())) return mismatch;

    for (const std::uint64_t offset : image_.relocated(shipped, ours.size())) {
        if (!std::ranges::binary_search(piece.fields, offset, {}, &Field::offset))
            return Mismatch{offset, fmt::format("relocation at +{:#x} in the shipped bytes alone", offset)};
    }
    return std::nullopt;
}

std::optional<Place> Matcher::place_of(const Piece& piece, const Field& field, const Fit& fit) const {
    std::uint64_t offset = field.offset;
    if (!fit.fields.empty()) {
        const FieldPlace& shipped = fit.fields[static_cast<std::size_t>(&field - piece.fields.data())];
        if (shipped.target) return *shipped.target + field.referent.shift;
        offset = shipped.offset;
    }
    const auto symbol = image_.symbol_of_field(fit.place + static_cast<std::int64_t>(offset), *field.relocation);
    if (!symbol) return std::nullopt;
    return *symbol + field.referent.shift;
}

std::optional<Mismatch> Matcher::compare_fields(const Piece& piece, const Fit& fit, const Locations& known) const {
    Locations seen;
    for (const Field& field : piece.fields) {
        if (auto text = compare_field(piece, field, fit, known, seen)) {
            return Mismatch{field.offset, fmt::format("reference at +{:#x}: {}", field.offset, *text)};
        }
    }
    return std::nullopt;
}

Comparison Matcher::compare(const Piece& piece, const Place& shipped, const Locations& known) const {
    const auto extent = piece.is_function ? image_.extent(shipped, pieces_.names_inside(piece)) : std::nullopt;
    Comparison result = fit_bytes(piece, shipped, extent ? extent->size : 0);
    if (!result.fit) return result;
    auto mismatch = piece.is_function ? compare_length(piece, *result.fit, extent) : std::nullopt;
    if (!mismatch) mismatch = compare_fields(piece, *result.fit, known);
    if (mismatch) return {std::nullopt, std::move(*mismatch)};
    return result;
}

Comparison Matcher::fit_bytes(const Piece& piece, const Place& shipped, std::uint64_t room) const {
    auto mismatch = compare_bytes(piece, shipped);
    if (!mismatch) return {Fit{shipped, piece.size, {}}, {}};
    auto relaxed = piece.is_function ? fit_relaxed(arch_, image_, piece, shipped, room) : std::nullopt;
    return {std::move(relaxed), std::move(*mismatch)};
}

std::optional<std::string> Matcher::compare_field(const Piece& piece, const Field& field, const Fit& fit,
                                                  const Locations& known, Locations& seen) const {
    const auto theirs = place_of(piece, field, fit);
    if (!theirs) return "the shipped field does not tell its target";
    const Referent& ours = field.referent;
    switch (ours.kind) {
        case Referent::Kind::none:
            return std::nullopt;
        case Referent::Kind::content:
            return compare_content(ours, *theirs);
        default:
            break;
    }
    if (ours.piece == &piece) {
        if (*theirs == fit.place) return std::nullopt;
        return fmt::format("recompiled to the function itself, shipped to {}", image_.describe(*theirs));
    }
    if (auto text = compare_names(ours, *theirs)) return text;
    const Place* elsewhere = known.find(ours);
    if (elsewhere == nullptr) elsewhere = &seen.set_once(ours, *theirs);
    if (*elsewhere == *theirs) return std::nullopt;
    return fmt::format("'{}' is at {}, elsewhere at {}", ours.name(), image_.describe(*theirs),
                       image_.describe(*elsewhere));
}

// A name that the kernel does not list (without CONFIG_KALLSYMS_ALL: all data) proves and disproves nothing,
// unless another name is listed for exactly that place.
std::optional<std::string> Matcher::compare_names(const Referent& ours, const Place& theirs) const {
    std::vector<std::string_view> names;
    if (ours.piece != nullptr) {
        for (const elf::Symbol* symbol : ours.piece->symbols) names.emplace_back(symbol->name);
    } else {
        names.emplace_back(ours.symbol->name);
    }
    const auto shipped = image_.names_at(theirs);
    for (const PlaceName& there : shipped) {
        if (std::ranges::any_of(names, [&](std::string_view name) { return same_but_number(name, there.name); }))
            return std::nullopt;
    }
    const bool known = std::ranges::any_of(names, [&](std::string_view name) { return image_.knows(name); });
    if (!known && shipped.empty()) return std::nullopt;
    return fmt::format("recompiled to '{}', shipped to {}", names.front(), image_.describe(theirs));
}

bool Matcher::equal_beside_fields(const elf::Section& section, std::uint64_t begin, Bytes ours, Bytes theirs) const {
    std::vector<std::byte> filled(ours.begin(), ours.end());
    for (const elf::Relocation& relocation : section.rela()) {
        const auto info = arch_.relocation_info(relocation.type);
        const std::uint64_t size = info ? info->size : 0;
        if (relocation.offset < begin || relocation.offset + size > begin + ours.size()) continue;
        std::ranges::copy(theirs.subspan(relocation.offset - begin, size),
                          filled.begin() + static_cast<std::ptrdiff_t>(relocation.offset - begin));
    }
    return std::ranges::equal(filled, theirs);
}

std::optional<std::string> Matcher::compare_content(const Referent& ours, const Place& theirs) const {
    const elf::Section& section = *ours.section;
    if (ours.offset >= section.content().size()) return std::nullopt;
    const std::uint64_t size = content_size(section, ours.offset);
    const Bytes mine = section.content().subspan(ours.offset, size);
    const auto other = image_.read(theirs, size);
    if (!other) return fmt::format("recompiled to content of {}, shipped to {}", section.name, image_.describe(theirs));
    if (equal_beside_fields(section, ours.offset, mine, *other)) return std::nullopt;
    if (section.is_strings()) {
        const auto there = image_.section_of(theirs);
        const Bytes whole = there ? there->section->content().subspan(there->offset) : *other;
        return fmt::format("recompiled to \"{}\", shipped to \"{}\"", text_of(mine), text_of(whole));
    }
    return fmt::format("recompiled to {} of {}, shipped to {}", hex(mine), section.name, hex(*other));
}

}  // namespace klp::resolve
