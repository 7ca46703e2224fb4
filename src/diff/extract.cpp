// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/extract.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>

#include "diff/extractor.hpp"

namespace klp::diff {

Extractor::Extractor(const Changes& changes, const Selection& selection)
    : changes_(changes),
      patched_(changes.pairs().patched()),
      selection_(selection),
      result_{{}, {},
              {}, elf::Object(patched_.object().machine(), patched_.object().order(), patched_.object().header_flags()),
              {}, {}},
      out_(result_.extracted) {
    for (const auto& symbol : changes.pairs().original().object().symbols()) {
        if (!symbol->is_local()) original_by_name_.emplace(symbol->name, symbol.get());
    }
}

Result Extractor::run() {
    const auto kept = [&](const SpecialEntry& entry) { return !selection_.dropped.contains(&entry); };
    for (const Piece* piece : selection_.pieces) lay_out(*piece);
    for (const Piece* piece : selection_.pieces) {
        for (const SpecialEntry& entry : piece->entries) {
            if (kept(entry)) lay_out_entry(entry);
        }
    }
    for (const Piece* piece : selection_.pieces) {
        relocate(*piece);
        for (const SpecialEntry& entry : piece->entries) {
            if (kept(entry)) relocate(entry);
        }
    }
    for (const auto& section : out_.sections()) section->sort_relocations();
    report_literals();
    result_.notes.insert(result_.notes.begin(), selection_.notes.begin(), selection_.notes.end());
    return std::move(result_);
}

void Extractor::relocate(const Piece& piece) {
    const Laid& laid = laid_.at(&piece);
    relocate(patched_.fields(piece), {piece}, *laid.section, laid.offset - piece.range.begin);
}

void Extractor::relocate(const SpecialEntry& entry) {
    const LaidEntry& laid = laid_entries_.at(&entry);
    const Holder holder{*entry.owner, &entry};
    relocate(patched_.fields(entry), holder, *laid.section, laid.offset - entry.range.begin);
    if (entry.companion == nullptr) return;
    relocate(patched_.companion_fields(entry), holder, *laid.companion,
             laid.companion_offset - entry.companion_range().begin);
}

void Extractor::relocate(std::span<const Field> fields, const Holder& holder, elf::Section& section,
                         std::uint64_t moved) {
    for (const Field& each : fields) {
        const Place place = place_of(each, holder);
        out_.add_relocation(section, {each.offset() + moved, each.relocation->type, place.symbol, place.addend});
    }
}

Extractor::Place Extractor::place_of(const Field& field, const Holder& holder) {
    const Target& target = field.target;
    if (target.symbol == patched_.object().null_symbol()) return {out_.null_symbol(), field.relocation->addend};
    switch (target.kind) {
        case Target::Kind::absolute:
            return {&absolute(*target.symbol), field.relocation->addend};
        case Target::Kind::undefined: {
            const auto found = original_by_name_.find(target.symbol->name);
            const elf::Symbol* before = found == original_by_name_.end() ? nullptr : found->second;
            const bool defined = before != nullptr && before->is_defined();
            return {&reference(target.symbol->name, *target.symbol, before, defined), target.delta};
        }
        case Target::Kind::literal:
            return literal(target);
        case Target::Kind::piece:
            break;
        case Target::Kind::entry:
            return entry(target, holder);
        case Target::Kind::elsewhere:
            throw Error(patched_.where(holder.piece), "reference to a section that is not carried over");
    }
    if (refers_to_original(changes_, field, holder)) return reference_to_original(target);
    const Laid& laid = laid_.at(target.piece);
    if (laid.symbol != nullptr) {
        const auto inside = static_cast<std::int64_t>(laid.offset) - static_cast<std::int64_t>(laid.symbol->value);
        return {laid.symbol, target.delta + inside};
    }
    return {&out_.section_symbol(*laid.section), target.delta + static_cast<std::int64_t>(laid.offset)};
}

Extractor::Place Extractor::entry(const Target& target, const Holder& holder) {
    const auto found = laid_entries_.find(target.entry);
    if (found == laid_entries_.end())
        throw Error(patched_.where(holder.piece), fmt::format("reference to {}, which is left out", describe(target)));
    const LaidEntry& laid = found->second;
    return {&out_.section_symbol(*laid.section), target.delta + static_cast<std::int64_t>(laid.offset)};
}

// The linker may move literals of a mergeable section one by one, so each gets a label to refer to.
Extractor::Place Extractor::literal(const Target& target) {
    const elf::Section& from = *target.section;
    const std::string name = from.is_strings() ? fmt::format(".rodata.str{}.{}", from.entry_size, from.alignment)
                                               : fmt::format(".rodata.cst{}", from.entry_size);
    elf::Section& to = shared_section(name, from);
    const Bytes content = literal_at(from, target.anchor);
    if (content.empty()) {
        throw Error({patched_.object().display_name(), from.name, target.anchor},
                    "literal runs past the end of its section");
    }
    elf::Symbol*& label = literals_[{&to, std::string(as_text(content))}];
    if (label == nullptr) {
        elf::Symbol symbol;
        symbol.name = fmt::format(".LC{}", literals_.size() - 1);
        symbol.placement = elf::Placement::section;
        symbol.section = &to;
        symbol.value = append(to, content, content.size(), from.alignment);
        label = &out_.add_symbol(std::move(symbol));
    }
    return {label, target.delta};
}

Extractor::Place Extractor::reference_to_original(const Target& target) {
    const Piece& original = *changes_.pairs().original_of(*target.piece);
    const auto same_name = std::ranges::find(original.symbols, target.symbol->name, &elf::Symbol::name);
    const elf::Symbol& before = same_name == original.symbols.end() ? *original.symbol() : **same_name;
    const auto inside = static_cast<std::int64_t>(before.value - original.range.begin);
    return {&reference(before.name, before, &before, true), target.delta - inside};
}

elf::Symbol& Extractor::absolute(const elf::Symbol& symbol) {
    elf::Symbol*& made = references_[&symbol];
    if (made == nullptr) {
        elf::Symbol copy = symbol;
        copy.original_index = 0;
        made = &out_.add_symbol(std::move(copy));
    }
    return *made;
}

// An undefined symbol stands for one symbol of the original object: where two have one name, the second
// gets a name that is free.
elf::Symbol& Extractor::reference(std::string_view name, const elf::Symbol& like, const elf::Symbol* original,
                                  bool defined) {
    elf::Symbol*& made = references_[original != nullptr ? original : &like];
    if (made != nullptr) return *made;
    elf::Symbol symbol;
    symbol.name = unused_name(name);
    symbol.binding = like.binding == STB_WEAK && !defined ? STB_WEAK : STB_GLOBAL;
    made = &out_.add_symbol(std::move(symbol));
    result_.references.push_back({made, std::string(name), original, defined});
    return *made;
}

std::string Extractor::unused_name(std::string_view name) {
    auto [found, is_new] = names_.try_emplace(std::string(name), 0);
    std::string candidate(name);
    while (!is_new) {
        candidate = fmt::format("{}..{}", name, ++found->second);
        is_new = names_.try_emplace(candidate, 0).second;
    }
    return candidate;
}

Result extract(const Changes& changes, const Selection& selection) {
    return Extractor(changes, selection).run();
}

}  // namespace klp::diff
