// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/refuse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "arch/ftrace_sites.hpp"
#include "diff/compare.hpp"
#include "diff/not_carried.hpp"

namespace klp::diff {

namespace {

constexpr std::string_view data_hint =
    "a livepatch changes code, not the state of the running kernel: use shadow variables or a pre-patch callback "
    "(Documentation/livepatch/shadow-vars.rst, callbacks.rst)";

// What the author can do who knows that the kernel may keep what it has.
std::string leave_out_hint(const Piece& piece) {
    return fmt::format("leave it out of the patch, or have it left out by --accept {} if all else is right without it",
                       id_of(left_out_by(piece).value()));
}

bool is_function_section(std::string_view name) {
    static constexpr std::array<std::string_view, 4> shared = {".text.unlikely", ".text.hot", ".text.startup",
                                                               ".text.exit"};
    return name.starts_with(".text.") && std::ranges::find(shared, name) == shared.end();
}

void refuse_data(const Changes& changes, const Piece& piece, Diagnostics& diagnostics) {
    const Location where = changes.pairs().patched().where(piece);
    if (const Piece* code = changes.leads_into(piece)) {
        diagnostics
            .error("diff.leads-inside", where,
                   fmt::format("variable '{}' holds addresses inside of function '{}', which changed ({})",
                               piece.label(), code->name(), changes.reason(*code)))
            .hint("leave the function as it is, and change its callers");
        return;
    }
    diagnostics
        .error("diff.data-changed", where,
               fmt::format("variable '{}' changed: {}", piece.label(), changes.reason(piece)))
        .hint(std::string(data_hint))
        .hint(leave_out_hint(piece));
}

bool refers_to_functions(const Decomposition& object, const Piece& piece) {
    return std::ranges::any_of(object.fields(piece), [](const Field& each) {
        const bool is_function = each.target.piece != nullptr && each.target.piece->is_any_code();
        return is_function || each.target.kind == Target::Kind::undefined;
    });
}

// A changed constant comes with the functions that use it, but only if they use nothing but its content: what kept
// the address of the old one (a file's f_op) goes on using that, and compares it with what it meets.
void judge_constant(const Changes& changes, const Piece& piece, Diagnostics& diagnostics) {
    const Decomposition& patched = changes.pairs().patched();
    const std::string reason = changes.reason(piece);
    if (!piece.is_local()) {
        diagnostics
            .error("diff.data-changed", patched.where(piece),
                   fmt::format("constant '{}' changed ({}), and other files may refer to it", piece.label(), reason))
            .hint(std::string(data_hint))
            .hint(leave_out_hint(piece));
        return;
    }
    const std::vector<std::string>* places = changes.places_of_kept(piece);
    if (places == nullptr) return;
    Finding& finding = diagnostics.error(
        "diff.constant-identity", patched.where(piece),
        fmt::format(
            "constant '{}' changed ({}), but it cannot be replaced by a copy: its address is stored, compared or "
            "handed on",
            piece.label(), reason));
    constexpr std::size_t most_places = 4;
    for (std::size_t i = 0; i < std::min(places->size(), most_places); ++i)
        finding.note(fmt::format("address taken by {}", (*places)[i]));
    if (places->size() > most_places) finding.note(fmt::format("and by {} more", places->size() - most_places));
    if (refers_to_functions(patched, piece)) {
        finding.hint(
            "leave the table as it is and change the functions that its members lead to; one that only this member "
            "leads to may be replaced by a static function of another name");
    }
    finding.hint(
        "leave the constant as it is (marked __used where nothing uses it any more), and give code that should see "
        "other "
        "content a constant of another name");
    finding.hint(leave_out_hint(piece));
}

void refuse_table(const Changes& changes, const Piece& piece, Diagnostics& diagnostics) {
    const Decomposition& patched = changes.pairs().patched();
    const std::string_view what = changes.pairs().original_of(piece) == nullptr ? "new" : "changed";
    if (is_export(piece)) {
        diagnostics
            .error("diff.export", patched.where(piece), fmt::format("changed export of '{}'", exported_name(piece)))
            .hint("the kernel's table of exported symbols is fixed: leave the EXPORT_SYMBOL out of the patch");
        return;
    }
    const bool is_init = piece.role == Role::init_data;
    diagnostics
        .error(is_init ? "diff.init-data" : "diff.table", patched.where(piece),
               fmt::format("{} entry '{}' in {}, which the kernel reads only {}", what, piece.label(),
                           piece.section->name, is_init ? "while it starts" : "when it starts or loads the module"))
        .hint(leave_out_hint(piece));
}

// What the kernel has read stays as it is. Tables without names are only told by content, which changes with the rest.
void judge_removed_entry(const Decomposition& original, const Piece& piece, Diagnostics& diagnostics) {
    if (piece.is_btf_id()) {
        diagnostics
            .error("diff.table", original.where(piece),
                   fmt::format("the patch removes '{}' from a list of BTF ids, of which code knows the places",
                               piece.label()))
            .hint("leave this part out of the patch");
        return;
    }
    if (piece.symbol() == nullptr || is_only_information(piece)) return;
    diagnostics.warning("diff.entry-stays", original.where(piece),
                        fmt::format("the patch removes entry '{}' of {}, which the kernel has read: it stays in effect",
                                    piece.label(), piece.section->name));
}

void refuse_init_code(const Changes& changes, const Piece& piece, Diagnostics& diagnostics) {
    const Location where = changes.pairs().patched().where(piece);
    if (piece.role == Role::exit_code) {
        diagnostics
            .error("diff.exit-code", where,
                   fmt::format("function '{}' changed ({}), but ftrace cannot hook it: __exit code is notrace",
                               piece.label(), changes.reason(piece)))
            .hint(leave_out_hint(piece));
        return;
    }
    diagnostics
        .error("diff.init-code", where,
               fmt::format("function '{}' changed ({}), but it has already run and its memory is freed: it is in {}",
                           piece.label(), changes.reason(piece), piece.section->name))
        .hint("what it set up can be corrected in a livepatch callback")
        .hint(leave_out_hint(piece));
}

// Objects may list functions of others, as NOKPROBE_SYMBOL does for assembly.
bool names_code_elsewhere(const Decomposition& object, const SpecialEntry& entry) {
    return entry.table->name == "_kprobe_blacklist" && std::ranges::any_of(object.fields(entry), [](const Field& each) {
               return each.target.kind == Target::Kind::undefined;
           });
}

void check_traceable(const Changes& changes, const Piece& piece, Diagnostics& diagnostics) {
    const Decomposition& original = changes.pairs().original();
    const Piece& before = *changes.pairs().original_of(piece);
    const bool is_traceable = arch::is_traceable_unit(original.architecture(), original.object(), *before.symbol());
    if (is_traceable || changes.is_carried(piece)) return;
    Finding& finding = diagnostics.error(
        "diff.not-traceable", original.where(before),
        fmt::format("function '{}' changed ({}), but ftrace cannot hook it: it has no ftrace site at its start "
                    "(notrace, noinstr, or assembly)",
                    before.name(), changes.reason(piece)));
    if (const std::vector<std::string>* obstacles = changes.obstacles_to(piece)) {
        for (const std::string& each : *obstacles)
            finding.note(fmt::format("its callers cannot be replaced in its stead: {}", each));
    }
    finding.hint(
        "change functions that ftrace can hook: what it calls, or its callers, which can call a new function "
        "with the changed body");
}

}  // namespace

void refuse_unsuitable_object(const elf::Object& object, Diagnostics& diagnostics) {
    const auto has_section = [&](auto predicate) {
        return std::ranges::any_of(object.sections(), [&](const auto& each) { return predicate(*each); });
    };
    const Location where{object.display_name(), {}, {}};
    if (has_section([](const elf::Section& each) { return each.name.starts_with(".gnu.lto_"); })) {
        diagnostics
            .error("diff.lto", where, "object holds intermediate code of link-time optimisation, no machine code")
            .hint("compile it without -flto");
        return;
    }
    const bool shares_text = std::ranges::any_of(object.symbols(), [](const auto& each) {
        return each->is_function() && each->section != nullptr && each->section->name == ".text";
    });
    if (!shares_text || has_section([](const elf::Section& each) { return is_function_section(each.name); })) return;
    diagnostics
        .error("diff.no-function-sections", where,
               "functions share one section '.text': assembly, or compiled without -ffunction-sections")
        .hint("compile both objects with -ffunction-sections -fdata-sections; assembly cannot be livepatched");
}

bool judges_tracing(const Options& options, const Decomposition& original) {
    const auto calls_ftrace = [&](const Piece& piece) {
        return piece.is_function() && original.architecture().entry_call(*piece.symbol());
    };
    return !options.untraced_objects || arch::lists_ftrace_sites(original.architecture(), original.object()) ||
           std::ranges::any_of(original.pieces(), calls_ftrace);
}

void refuse_inexpressible_changes(const Changes& changes, const Options& options, Diagnostics& diagnostics) {
    const Correlation& pairs = changes.pairs();
    const Decomposition& original = pairs.original();
    const Decomposition& patched = pairs.patched();
    const bool judge_tracing = judges_tracing(options, original);
    const auto has_changed = [&](const Piece& piece) { return changes.has(piece) && piece.is_function(); };
    if (!judge_tracing && std::ranges::any_of(patched.pieces(), has_changed)) {
        diagnostics.warning("diff.untraced", {original.object().display_name(), {}, {}},
                            "no function is listed for ftrace: whether changed ones can be hooked was not checked");
    }
    for (const Piece& piece : patched.pieces()) {
        const bool is_new = pairs.original_of(piece) == nullptr;
        const bool is_table = piece.role == Role::table || piece.role == Role::init_data;
        if (is_table) {
            const bool is_refused =
                (changes.has(piece) || is_new) && !changes.ignores(piece) && !is_only_noted(changes, piece);
            if (is_refused) refuse_table(changes, piece, diagnostics);
            continue;
        }
        if (!changes.has(piece) || piece.parent != nullptr || is_only_noted(changes, piece)) continue;
        if (piece.role == Role::data) refuse_data(changes, piece, diagnostics);
        if (piece.role == Role::constant && !is_new) judge_constant(changes, piece, diagnostics);
        if (piece.role == Role::init_code || piece.role == Role::exit_code)
            refuse_init_code(changes, piece, diagnostics);
        if (piece.is_function() && judge_tracing) check_traceable(changes, piece, diagnostics);
    }
    refuse_renamed_data(changes, diagnostics);
    refuse_other_aliases(changes, diagnostics);
    refuse_ways_inside(changes, diagnostics);
    for (const Piece& piece : original.pieces()) {
        if (piece.role == Role::table && pairs.patched_of(piece) == nullptr &&
            !changes.directives().ignores_section(piece.section->name))
            judge_removed_entry(original, piece, diagnostics);
    }
    for (const SpecialEntry& entry : patched.orphans()) {
        if (names_code_elsewhere(patched, entry)) continue;
        diagnostics
            .error("diff.special-orphan", {patched.object().display_name(), entry.section->name, entry.range.begin},
                   "entry refers to no code of this object")
            .hint("leave out what the patch says by hand in that section");
    }
}

}  // namespace klp::diff
