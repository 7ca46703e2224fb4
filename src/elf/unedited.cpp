// SPDX-License-Identifier: GPL-2.0-or-later
// Whether an object is still what its file says. Fields of sections and symbols are public, so nothing records
// edits; instead the file is read once more and compared.
#include <algorithm>
#include <tuple>

#include "elf/reader.hpp"
#include "elf/writer.hpp"

namespace klp::elf {

namespace {

auto plain_fields(const Section& s) {
    return std::tie(s.name, s.type, s.flags, s.address, s.alignment, s.entry_size, s.info, s.group_flags,
                    s.original_offset, s.original_index);
}

auto plain_fields(const Symbol& s) {
    return std::tie(s.name, s.placement, s.value, s.size, s.type, s.binding, s.other, s.reserved_index,
                    s.original_index);
}

}  // namespace

const Section* Writer::counterpart(const Section* read) const {
    return read == nullptr ? nullptr : object_.sections_[read->original_index - 1].get();
}

const Symbol* Writer::counterpart(const Symbol* read) const {
    if (read == nullptr) return nullptr;
    return read->original_index == 0 ? object_.null_symbol() : object_.symbols_[read->original_index - 1].get();
}

bool Writer::same_relocations(const Section& now, const Section& read) const {
    return std::equal(now.relocations.begin(), now.relocations.end(), read.relocations.begin(), read.relocations.end(),
                      [this](const Relocation& a, const Relocation& b) {
                          return a.offset == b.offset && a.type == b.type && a.addend == b.addend &&
                                 a.symbol == counterpart(b.symbol);
                      });
}

bool Writer::same_section(const Section& now, const Section& read) const {
    const auto same_pointer = [this](const Section* a, const Section* b) { return a == counterpart(b); };
    const Bytes content = now.content();
    const Bytes content_read = read.content();
    return plain_fields(now) == plain_fields(read) && same_pointer(now.link, read.link) &&
           same_pointer(now.target, read.target) && now.group_signature == counterpart(read.group_signature) &&
           std::equal(now.group_members.begin(), now.group_members.end(), read.group_members.begin(),
                      read.group_members.end(), same_pointer) &&
           now.size() == read.size() && same_relocations(now, read) &&
           (content.data() == content_read.data() || std::ranges::equal(content, content_read));
}

bool Writer::same_symbol(const Symbol& now, const Symbol& read) const {
    return plain_fields(now) == plain_fields(read) && now.section == counterpart(read.section);
}

bool Writer::is_unedited() const {
    if (object_.file_.empty()) return false;
    Object read;
    read.file_ = object_.file_;
    Reader(read).read();
    const auto& sections = object_.sections_;
    const auto& symbols = object_.symbols_;
    // Sizes first: counterpart() relies on them.
    if (sections.size() != read.sections_.size() || symbols.size() != read.symbols_.size()) return false;
    return std::equal(sections.begin(), sections.end(), read.sections_.begin(),
                      [this](const auto& a, const auto& b) { return same_section(*a, *b); }) &&
           std::equal(symbols.begin(), symbols.end(), read.symbols_.begin(),
                      [this](const auto& a, const auto& b) { return same_symbol(*a, *b); });
}

}  // namespace klp::elf
