// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/piece.hpp"

#include <algorithm>

#include "diff/names.hpp"

namespace klp::diff {

std::string_view Piece::name() const noexcept {
    return symbols.empty() ? std::string_view{} : std::string_view(symbols.front()->name);
}

std::string_view Piece::label() const noexcept {
    return symbols.empty() ? std::string_view(section->name) : name();
}

Bytes Piece::content() const {
    return section->is_nobits() ? Bytes{} : section->content().subspan(range.begin, range.size());
}

Bytes Piece::content_with_room() const {
    if (section->is_nobits()) return {};
    return section->content().subspan(range.begin - room, room + range.size());
}

bool Piece::is_local() const noexcept {
    return std::ranges::all_of(
        symbols, [](const elf::Symbol* each) { return each->is_local() || is_device_table_alias(each->name); });
}

bool Piece::is_numbered() const noexcept {
    return is_local() && (base != name() || (!is_any_code() && may_lack_number(base)));
}

bool Piece::is_any_code() const noexcept {
    return role == Role::code || role == Role::init_code || role == Role::exit_code;
}

bool Piece::is_of_message() const noexcept {
    return is_message() || is_message_state(base);
}

bool Piece::has_identity() const noexcept {
    if (role == Role::code_pool) return false;
    if (role == Role::constant) return symbol() != nullptr && !(is_local() && is_nameless_constant(base));
    if (role == Role::data) return !(range.size() == 0 && is_local());
    return true;
}

std::string_view Target::name() const noexcept {
    return piece != nullptr ? piece->name() : std::string_view(symbol->name);
}

Bytes literal_at(const elf::Section& section, std::uint64_t offset) {
    const Bytes content = section.content();
    const std::uint64_t unit = std::max<std::uint64_t>(section.entry_size, 1);
    if (offset >= content.size()) return {};
    const Bytes rest = content.subspan(offset);
    if (!section.is_strings()) return rest.first(std::min<std::uint64_t>(unit, rest.size()));
    for (std::uint64_t at = 0; at + unit <= rest.size(); at += unit) {
        const Bytes character = rest.subspan(at, unit);
        if (std::ranges::all_of(character, [](std::byte each) { return each == std::byte{0}; }))
            return rest.first(at + unit);
    }
    return {};
}

}  // namespace klp::diff
