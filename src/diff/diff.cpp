// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/diff.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>

#include "arch/registry.hpp"
#include "diff/compare.hpp"
#include "diff/correlate.hpp"
#include "diff/extract.hpp"
#include "diff/layout_rules.hpp"
#include "diff/messages.hpp"
#include "diff/names.hpp"
#include "diff/not_carried.hpp"
#include "diff/outlives.hpp"
#include "diff/refuse.hpp"
#include "diff/select.hpp"

namespace klp::diff {

namespace {

constexpr std::string_view summary = "the change cannot be expressed as a livepatch";

void check_inputs(const elf::Object& original, const elf::Object& patched) {
    for (const elf::Object* each : {&original, &patched}) {
        if (each->file_type() != ET_REL) {
            throw Error({each->display_name(), {}, {}},
                        fmt::format("not a relocatable object: ELF type {}, expected {}", each->file_type(), ET_REL));
        }
    }
    if (original.machine() != patched.machine() || original.order() != patched.order()) {
        throw Error({patched.display_name(), {}, {}}, fmt::format("ELF machine {}, but {} is for {}", patched.machine(),
                                                                  original.display_name(), original.machine()));
    }
}

// Extracted, as a function of its own.
std::vector<Callback> callbacks_of(const Directives& directives, const Result& result) {
    std::vector<Callback> callbacks;
    for (const Directives::Callback& each : directives.callbacks) {
        const std::string& name = each.function->symbol()->name;
        const auto function = std::ranges::find(result.functions, name, &FunctionChange::name);
        if (function == result.functions.end())
            throw Error({{}, {}, {}}, fmt::format("callback '{}' was not extracted", name));
        callbacks.push_back({each.event, name, function->extracted});
    }
    return callbacks;
}

}  // namespace

std::vector<const elf::Symbol*> Result::new_globals() const {
    const auto is_of_original = [&](const elf::Symbol& symbol) {
        return std::ranges::any_of(functions, [&](const FunctionChange& each) {
            return each.original != nullptr && each.extracted->section == symbol.section;
        });
    };
    std::vector<const elf::Symbol*> found;
    for (const auto& symbol : extracted.symbols()) {
        if (symbol->placement != elf::Placement::section || symbol->is_local()) continue;
        if (!is_assembler_label(symbol->name) && !is_of_original(*symbol)) found.push_back(symbol.get());
    }
    return found;
}

Sides decompose(const elf::Object& original, const elf::Object& patched, const EntrySizes& sizes,
                Diagnostics& diagnostics) {
    check_inputs(original, patched);
    refuse_unsuitable_object(original, diagnostics);
    refuse_unsuitable_object(patched, diagnostics);
    diagnostics.stop_on_errors(summary);
    return {Decomposition(original, sizes), Decomposition(patched, sizes)};
}

namespace {

std::set<std::string, std::less<>> gone_variables(const Correlation& pairs) {
    std::set<std::string, std::less<>> names;
    for (const Piece& piece : pairs.original().pieces()) {
        const bool is_variable =
            piece.role == Role::data && piece.symbol() != nullptr && piece.has_identity() && !piece.is_of_message();
        if (is_variable && pairs.patched_of(piece) == nullptr) names.insert(piece.base);
    }
    return names;
}

}  // namespace

Result diff(const Sides& sides, const Options& options, Diagnostics& diagnostics) {
    const Correlation pairs = correlate(sides.original, sides.patched);
    Directives directives = read_directives(sides.patched, diagnostics);
    directives.left_out = options.left_out;
    diagnostics.stop_on_errors(summary);
    std::optional<Hooking> hooking;
    if (judges_tracing(options, sides.original)) hooking = {options.for_module};
    const Changes changes = find_changes(pairs, directives, hooking, options.unchanged, !options.other_lines);
    if (options.late_keys != nullptr) {
        options.late_keys->unchanged = functions_of_both(changes, false);
        options.late_keys->changed = functions_of_both(changes, true);
    }
    JudgedDirectives judged = judge_directives(changes, diagnostics);
    refuse_inexpressible_changes(changes, options, diagnostics);
    note_what_is_not_carried(changes, diagnostics);
    const Selection selection = select(changes, options, diagnostics);
    if (options.on_selected) options.on_selected(changes, selection);
    note_restarted_messages(pairs, selection, diagnostics);
    refuse_folded_data(changes, selection, options, diagnostics);
    auto accepted = judge_layouts(changes, selection, options, diagnostics);
    diagnostics.stop_on_errors(summary);
    warn_of_what_never_ends(changes, diagnostics);
    std::vector<std::string> outlives = warn_of_what_outlives(changes, selection, diagnostics);
    for (std::string& each : warn_of_tail_calls(changes, selection, diagnostics)) outlives.push_back(std::move(each));
    Result result = extract(changes, selection);
    result.outlives = std::move(outlives);
    result.accepted_layouts = std::move(accepted);
    result.gone = gone_variables(pairs);
    result.other_lines = changes.functions_with_other_lines();
    result.callbacks = callbacks_of(directives, result);
    result.forced = std::move(judged.forced);
    result.notes.insert(result.notes.end(), judged.notes.begin(), judged.notes.end());
    return result;
}

}  // namespace klp::diff
