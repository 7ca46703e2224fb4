// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/source_map.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/align.hpp"
#include "base/error.hpp"

namespace klp::diff {

namespace {

constexpr int deepest_source_block = 256;
// An address range of 0 to 0 ends a list of ranges, so nothing may begin there.
constexpr std::uint64_t first_address = 0x1000;

[[noreturn]] void fail_lines(std::string_view what) {
    throw Error({{}, ".debug_line", {}}, fmt::format("damaged debug information: {}: {}", what, dwarf_errmsg(-1)));
}

std::string type_text(const std::optional<Die>& type, int depth = 0) {
    if (!type) return "void";
    if (depth > deepest_source_block) return "?";
    std::string name = type->name();
    switch (type->tag()) {
        case DW_TAG_pointer_type: {
            const auto target = type->plain_type();
            if (target && target->tag() == DW_TAG_subroutine_type) return "function pointer";
            return type_text(type->type(), depth + 1) + " *";
        }
        case DW_TAG_const_type:
        case DW_TAG_volatile_type:
        case DW_TAG_restrict_type:
        case DW_TAG_atomic_type:
            return type_text(type->type(), depth + 1);
        case DW_TAG_array_type:
            return type_text(type->type(), depth + 1) + "[]";
        case DW_TAG_structure_type:
            return "struct " + name;
        case DW_TAG_union_type:
            return "union " + name;
        case DW_TAG_enumeration_type:
            return "enum " + name;
        case DW_TAG_base_type: {  // of several words
            Dwarf_Die base = type->raw();
            const char* words = dwarf_diename(&base);
            return words == nullptr ? name : words;
        }
        default:
            return name;
    }
}

bool is_signed(const Die& type) {
    const std::uint64_t encoding = type.number(DW_AT_encoding).value_or(0);
    return type.tag() == DW_TAG_base_type && (encoding == DW_ATE_signed || encoding == DW_ATE_signed_char);
}

bool has_members(const Die& type) {
    return type.tag() == DW_TAG_structure_type || type.tag() == DW_TAG_union_type;
}

// Goes down to what is `offset` bytes into `found`.
void descend(SourceMember& found, std::optional<Die> type, std::uint64_t offset, bool is_big_endian) {
    for (int depth = 0; depth < deepest_source_block; ++depth) {
        const auto plain = type ? type->plain() : std::nullopt;
        found.type = type_text(type);
        found.size = plain ? plain->byte_size() : 0;
        if (!plain) return;
        found.is_signed = is_signed(*plain);
        if (plain->tag() == DW_TAG_array_type) {
            const auto element = plain->plain_type();
            const std::uint64_t size = element ? element->byte_size() : 0;
            found.is_text = size == 1;
            if (size <= 1) return;
            found.path += fmt::format("[{}]", offset / size);
            found.offset += offset / size * size;
            offset %= size;
            type = plain->type();
            continue;
        }
        if (!has_members(*plain)) return;
        std::optional<Die> next;
        std::uint64_t next_at = 0;
        plain->each_child([&](const Die& member) {
            if (next || member.tag() != DW_TAG_member) return;
            const std::uint64_t at = bit_offset_of(member, is_big_endian) / 8;
            const auto member_type = member.plain_type();
            const std::uint64_t size = member_type ? member_type->byte_size() : 0;
            if (offset < at || offset - at >= size) return;
            next = member;
            next_at = at;
        });
        if (!next) return;  // padding
        if (const std::string name = next->name(); !name.empty()) found.path += "." + name;
        found.offset += next_at;
        offset -= next_at;
        type = next->type();
    }
}

}  // namespace

SourceMap::SourceMap(const elf::Object& object, const FileName& file_name) {
    const SectionAddresses addresses = place_sections(object);
    image_ = std::make_unique<DebugImage>(object, &addresses);
    each_unit(image_->dwarf(), [&](const Die& unit) { read_unit(unit, file_name); });
    std::ranges::sort(rows_, {}, &Row::begin);
    std::ranges::stable_sort(code_, {}, &Code::depth);
    make_extents();
}

SectionAddresses SourceMap::place_sections(const elf::Object& object) {
    SectionAddresses addresses;
    std::map<const elf::Section*, PlacedSection*> placed;
    Address next = first_address;
    for (const auto& section : object.sections()) {
        if ((section->flags & SHF_ALLOC) == 0) continue;
        addresses[section.get()] = next;
        placed[section.get()] = &sections_.emplace(section->name, PlacedSection{next, {}})->second;
        next = align_up(next + section->size() + 1, first_address);
    }
    for (const auto& symbol : object.symbols()) {
        const auto section = placed.find(symbol->section);
        if (section != placed.end() && !symbol->name.empty()) section->second->symbols.push_back(symbol->name);
    }
    return addresses;
}

void SourceMap::read_unit(const Die& unit, const FileName& file_name) {
    unit_files_.clear();
    read_rows(unit, file_name);
    read_entries(unit, 0);
}

std::size_t SourceMap::file_index(const std::string& name, const FileName& file_name) {
    const auto [known, is_new] = file_indices_.emplace(name, files_.size());
    if (is_new) files_.push_back(file_name(name));
    return known->second;
}

void SourceMap::read_rows(const Die& unit, const FileName& file_name) {
    Dwarf_Die die = unit.raw();
    if (!unit.has(DW_AT_stmt_list)) return;
    Dwarf_Files* files = nullptr;
    std::size_t file_count = 0;
    if (dwarf_getsrcfiles(&die, &files, &file_count) != 0) fail_lines("files");
    for (std::size_t i = 0; i < file_count; ++i) {
        const char* name = dwarf_filesrc(files, i, nullptr, nullptr);
        unit_files_.push_back(name == nullptr ? "" : files_[file_index(name, file_name)]);
    }
    Dwarf_Lines* lines = nullptr;
    std::size_t count = 0;
    if (dwarf_getsrclines(&die, &lines, &count) != 0) fail_lines("lines");
    for (std::size_t i = 0; i + 1 < count; ++i) {
        Dwarf_Line* line = dwarf_onesrcline(lines, i);
        Dwarf_Addr begin = 0;
        Dwarf_Addr end = 0;
        bool ends_sequence = false;
        int number = 0;
        if (dwarf_lineaddr(line, &begin) != 0 || dwarf_lineaddr(dwarf_onesrcline(lines, i + 1), &end) != 0 ||
            dwarf_lineendsequence(line, &ends_sequence) != 0 || dwarf_lineno(line, &number) != 0)
            fail_lines("a line");
        const char* name = dwarf_linesrc(line, nullptr, nullptr);
        if (ends_sequence || end <= begin || number <= 0 || name == nullptr) continue;
        rows_.push_back({begin, end, file_index(name, file_name), static_cast<std::uint64_t>(number)});
    }
}

SourceLine SourceMap::line_of(const Die& die, unsigned file, unsigned line) const {
    const auto number = die.integrated_number(file);
    if (!number || *number >= unit_files_.size()) return {};
    return {unit_files_[*number], die.integrated_number(line).value_or(0)};
}

void SourceMap::read_entries(const Die& parent, int depth) {
    if (depth > deepest_source_block)
        throw Error({{}, ".debug_info", {}}, "damaged debug information: blocks have no end");
    parent.each_child([&](const Die& each) {
        const int tag = each.tag();
        if (tag == DW_TAG_variable) {
            if (const auto address = each.address())
                variables_.emplace(*address, Variable{each, line_of(each, DW_AT_decl_file, DW_AT_decl_line)});
        } else if (tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine) {
            read_code(each, tag == DW_TAG_subprogram ? 0 : depth);
            read_entries(each, depth + 1);
        } else if (tag == DW_TAG_lexical_block) {
            read_entries(each, depth + 1);
        }
    });
}

void SourceMap::read_code(const Die& die, int depth) {
    Code code;
    code.depth = depth;
    code.function = die.name();
    code.declared = line_of(die, DW_AT_decl_file, DW_AT_decl_line);
    if (depth > 0) code.called_at = line_of(die, DW_AT_call_file, DW_AT_call_line);
    for (const auto& [begin, end] : die.ranges()) {
        code.begin = begin;
        code.end = end;
        if (begin < end) code_.push_back(code);
    }
}

// Each row is of the innermost function that it is in.
void SourceMap::make_extents() {
    std::vector<const Code*> owner(rows_.size(), nullptr);
    for (const Code& code : code_) {
        auto row = std::ranges::lower_bound(rows_, code.begin, {}, &Row::begin);
        for (; row != rows_.end() && row->begin < code.end; ++row)
            owner[static_cast<std::size_t>(row - rows_.begin())] = &code;
        if (code.declared.line == 0) continue;
        extents_.try_emplace(code.function, SourceExtent{code.declared.file, code.declared.line, code.declared.line});
    }
    std::set<std::string_view> whole;  // whose closing brace has code
    for (const Code& code : code_)
        if (code.depth == 0) whole.insert(code.function);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (owner[i] == nullptr) continue;
        const auto found = extents_.find(owner[i]->function);
        if (found != extents_.end() && found->second.file == files_[rows_[i].file])
            found->second.last = std::max(found->second.last, rows_[i].line);
    }
    for (auto& [function, extent] : extents_)
        if (!whole.contains(function)) ++extent.last;
}

std::optional<SourceMap::Address> SourceMap::address_of(const ObjectPlace& place) const {
    const auto [first, last] = sections_.equal_range(place.section);
    for (auto each = first; each != last; ++each) {
        const auto& symbols = each->second.symbols;
        if (place.symbol.empty() || std::next(first) == last ||
            std::ranges::find(symbols, place.symbol) != symbols.end())
            return each->second.begin + place.offset;
    }
    return std::nullopt;
}

std::optional<SourceLine> SourceMap::line_at(const ObjectPlace& place) const {
    const auto address = address_of(place);
    if (!address) return std::nullopt;
    auto row = std::ranges::upper_bound(rows_, *address, {}, &Row::begin);
    if (row == rows_.begin() || (--row)->end <= *address) return std::nullopt;
    return SourceLine{files_[row->file], row->line};
}

std::vector<InlinedCall> SourceMap::inlined_at(const ObjectPlace& place) const {
    return inlined_in(place, 1);
}

std::vector<InlinedCall> SourceMap::inlined_in(const ObjectPlace& place, std::uint64_t size) const {
    std::vector<InlinedCall> calls;
    const auto address = address_of(place);
    if (!address) return calls;
    for (const Code& code : code_) {
        if (code.depth == 0 || code.begin >= *address + size || code.end <= *address) continue;
        InlinedCall call{code.function, code.called_at};
        if (std::ranges::find(calls, call) == calls.end()) calls.push_back(std::move(call));
    }
    return calls;
}

std::optional<SourceLine> SourceMap::declaration_at(const ObjectPlace& place) const {
    const auto address = address_of(place);
    if (!address) return std::nullopt;
    SourceLine line;
    if (const auto variable = variables_.find(*address); variable != variables_.end()) line = variable->second.declared;
    for (const Code& code : code_)
        if (code.depth == 0 && code.begin == *address) line = code.declared;
    return line.line == 0 ? std::nullopt : std::optional(line);
}

std::optional<SourceLine> SourceMap::about(const Location& where) const {
    if (where.section.empty()) return std::nullopt;
    const ObjectPlace place{where.section, {}, where.offset.value_or(0)};
    if (auto declared = declaration_at(place)) return declared;
    auto line = line_at(place);
    if (!line) return declaration_around(place);
    // What is inlined from a header is written where it is called.
    const auto calls = inlined_at(place);
    if (calls.empty() || line->file == calls.front().called_at.file) return line;
    const auto written = std::find_if(calls.rbegin(), calls.rend(), [&](const InlinedCall& each) {
        return each.called_at.file == calls.front().called_at.file;
    });
    return written->called_at;
}

// Of the variable that the place is within.
std::optional<SourceLine> SourceMap::declaration_around(const ObjectPlace& place) const {
    const auto begin = address_of({place.section, place.symbol, 0});
    const auto address = address_of(place);
    if (!begin || !address) return std::nullopt;
    const auto behind = variables_.upper_bound(*address);
    if (behind == variables_.begin()) return std::nullopt;
    const auto& [start, variable] = *std::prev(behind);
    const bool is_in_section = start >= *begin && variable.declared.line != 0;
    return is_in_section ? std::optional(variable.declared) : std::nullopt;
}

std::optional<SourceMember> SourceMap::member_at(const ObjectPlace& place, std::uint64_t offset) const {
    const auto address = address_of(place);
    const auto variable = address ? variables_.find(*address) : variables_.end();
    if (variable == variables_.end()) return std::nullopt;
    SourceMember found;
    descend(found, variable->second.die.type(), offset, image_->is_big_endian());
    return found;
}

std::optional<SourceExtent> SourceMap::extent_of(std::string_view function) const {
    const auto found = extents_.find(function);
    return found == extents_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace klp::diff
