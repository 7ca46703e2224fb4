// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/explained_side.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "diff/compare.hpp"

namespace klp::diff {

namespace {

// How much of a function is shown around the first difference.
constexpr std::size_t instructions_before = 3;
constexpr std::size_t instructions_after = 4;

std::vector<ShownInstruction> shown(const Disassembly& disassembly, const Piece& piece, std::uint64_t offset) {
    const auto all = disassembly.in(piece.section->name, piece.range);
    const std::uint64_t place = piece.range.begin + offset;
    const auto behind = std::ranges::upper_bound(all, place, {}, &Instruction::offset);
    const auto at = behind == all.begin() || place >= piece.range.end ? all.end() : behind - 1;
    const auto begin = at - std::min<std::ptrdiff_t>(at - all.begin(), instructions_before);
    const auto end = at + std::min<std::ptrdiff_t>(all.end() - at, instructions_after + 1);
    std::vector<ShownInstruction> result;
    for (auto each = begin; each != end; ++each)
        result.push_back({each->offset - piece.range.begin, each->text, each == at});
    return result;
}

std::string quoted_text(Bytes bytes) {
    const std::string_view text = as_text(bytes);
    return fmt::format("{:?}", text.substr(0, text.find('\0')));
}

std::string number_text(Bytes bytes, ByteOrder order, bool is_signed) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const std::size_t at = order == ByteOrder::big ? i : bytes.size() - 1 - i;
        value = value << 8 | std::to_integer<std::uint64_t>(bytes[at]);
    }
    if (!is_signed || bytes.empty()) return fmt::format("{} ({:#x})", value, value);
    const unsigned unused = 64 - 8 * static_cast<unsigned>(bytes.size());
    return fmt::format("{} ({:#x})", static_cast<std::int64_t>(value << unused) >> unused, value);
}

std::string bytes_text(Bytes bytes) {
    constexpr std::size_t most_bytes = 16;
    std::string text;
    for (const std::byte each : bytes.first(std::min(bytes.size(), most_bytes)))
        text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<unsigned>(each));
    return text + (bytes.size() > most_bytes ? " …" : "");
}

bool is_printable_text(Bytes bytes) {
    const std::string_view text = as_text(bytes);
    return text.size() > 1 && text.find('\0') == text.size() - 1 &&
           std::ranges::all_of(text.substr(0, text.size() - 1), [](unsigned char each) { return each >= ' '; });
}

}  // namespace

ObjectPlace place_of(const Piece& piece, std::uint64_t offset) {
    return {piece.section->name, piece.name(), piece.range.begin + offset};
}

std::string ExplainedSide::reference(const Piece& piece, const Field& field) const {
    Target target = field.target;
    target.delta += object.bias(field, piece);
    return describe(target);
}

std::string ExplainedSide::content(const Piece& piece, std::uint64_t offset, const SourceMember* member) const {
    const std::uint64_t begin = member != nullptr ? member->offset : offset;
    for (const Field& field : object.fields(piece))
        if (field.offset() == piece.range.begin + begin) return reference(piece, field);
    const Bytes all = piece.content();
    if (begin >= all.size()) return {};
    constexpr std::uint64_t unknown_size = 8;
    const bool has_size = member != nullptr && member->size != 0;
    const Bytes bytes =
        all.subspan(begin, std::min<std::uint64_t>(has_size ? member->size : unknown_size, all.size() - begin));
    if (has_size && member->is_text) return quoted_text(bytes);
    if (!has_size && is_printable_text(all)) return quoted_text(all);
    if (has_size && bytes.size() <= sizeof(std::uint64_t))
        return number_text(bytes, object.object().order(), member->is_signed);
    return bytes_text(bytes);
}

void ExplainedSide::fill(DifferenceSide& side, const Piece& piece, std::uint64_t offset) const {
    if (!piece.is_any_code()) return;
    side.instructions = shown(disassembly, piece, offset);
    if (source == nullptr) return;
    side.line = source->line_at(place_of(piece, offset));
    side.inlined = source->inlined_at(place_of(piece, offset));
}

}  // namespace klp::diff
