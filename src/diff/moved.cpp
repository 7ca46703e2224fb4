// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/moved.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

namespace klp::diff {

namespace {

// Compilers split these; the kernel's own sections have two dots (.data..read_mostly) or a word before the last
// (.sched.text).
std::string_view place_of(const Piece& piece) {
    const std::string_view name = piece.section->name;
    const auto is_split = [&](std::string_view whole) {
        return name.starts_with(whole) && (name.size() == whole.size() || name[whole.size()] == '.') &&
               !name.substr(whole.size()).starts_with("..");
    };
    if (is_split(".text")) return ".text";
    if (is_split(".rodata") || is_split(".data.rel.ro")) return ".rodata";
    if (is_split(".data") || is_split(".bss")) return ".data";
    return name;
}

void note_move(const Decomposition& patched, const Piece& original, const Piece& piece, const Note& note) {
    const std::string_view was = place_of(original), is = place_of(piece);
    if (was == is) return;
    note(patched.where(piece),
         fmt::format("'{}' is in {} now, was in {}: a livepatch does not move it", piece.label(), is, was));
}

void note_binding(const Decomposition& patched, const Piece& original, const Piece& piece, const Note& note) {
    for (const elf::Symbol* symbol : piece.symbols) {
        const auto before = std::ranges::find(original.symbols, symbol->name, &elf::Symbol::name);
        if (before == original.symbols.end() || symbol->is_local() || (*before)->is_local()) continue;
        const bool is_weak = symbol->binding == STB_WEAK, was_weak = (*before)->binding == STB_WEAK;
        if (is_weak != was_weak)
            note(patched.where(piece), fmt::format("'{}' {} weak: the kernel is linked already", symbol->name,
                                                   is_weak ? "is now" : "is no longer"));
    }
}

// What objtool has read when the object was made, and what another stage gives a meaning.
bool is_known_to_tools(std::string_view name) {
    static constexpr std::array<std::string_view, 18> known = {".discard.addressable",
                                                               ".discard.reachable",
                                                               ".discard.unreachable",
                                                               ".discard.retpoline_safe",
                                                               ".discard.instr_begin",
                                                               ".discard.instr_end",
                                                               ".discard.noendbr",
                                                               ".discard.ibt_endbr_noseal",
                                                               ".discard.validate_unret",
                                                               ".discard.intra_function_calls",
                                                               ".discard.annotate_insn",
                                                               ".discard.annotate_data",
                                                               ".discard.unret_safe",
                                                               ".discard.rethunk_safe",
                                                               ".discard.nop",
                                                               ".discard.func_stack_frame_non_standard",
                                                               ".discard.call_sites",
                                                               ".discard.mcount_loc"};
    return std::ranges::find(known, name) != known.end() || name.starts_with(".discard.klp_") ||
           name.starts_with(".discard.text") || name.starts_with(".discard.data");
}

bool is_unknown(const elf::Section& section) {
    if (section.is_rela() || section.is_nobits()) return false;
    const bool is_note = section.type == SHT_NOTE && section.is_alloc() && section.name != ".note.gnu.property";
    return is_note || (arch::is_discarded_section(section.name) && !is_known_to_tools(section.name));
}

std::map<std::string, std::string> unknown_sections(const elf::Object& object) {
    std::map<std::string, std::string> contents;
    for (const auto& section : object.sections())
        if (is_unknown(*section)) contents[section->name] += as_text(section->content());
    return contents;
}

void note_unknown(const Changes& changes, const Note& note) {
    const elf::Object &original = changes.pairs().original().object(), &patched = changes.pairs().patched().object();
    const auto before = unknown_sections(original), after = unknown_sections(patched);
    for (const auto& [name, content] : after) {
        const auto was = before.find(name);
        if (was != before.end() && was->second == content) continue;
        note({patched.display_name(), name, std::nullopt},
             fmt::format("section {} {}: no part of it is carried", name, was == before.end() ? "is new" : "differs"));
    }
    for (const auto& [name, content] : before)
        if (!after.contains(name))
            note({original.display_name(), name, std::nullopt},
                 fmt::format("section {} goes: the running kernel has been made with it", name));
}

}  // namespace

void note_what_moves(const Changes& changes, const Note& note) {
    const Correlation& pairs = changes.pairs();
    for (const Piece& piece : pairs.patched().pieces()) {
        const Piece* original = pairs.original_of(piece);
        const bool has_place = piece.is_any_code() || piece.role == Role::data || piece.role == Role::constant;
        if (original == nullptr || !has_place || piece.symbol() == nullptr || piece.parent != nullptr) continue;
        note_move(pairs.patched(), *original, piece, note);
        note_binding(pairs.patched(), *original, piece, note);
    }
    note_unknown(changes, note);
}

}  // namespace klp::diff
