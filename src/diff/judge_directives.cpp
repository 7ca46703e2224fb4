// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>

#include "diff/changes.hpp"
#include "diff/directives.hpp"

namespace klp::diff {

namespace {

class DirectiveJudge {
public:
    DirectiveJudge(const Changes& changes, Diagnostics& diagnostics)
        : changes_(changes), pairs_(changes.pairs()), patched_(pairs_.patched()), diagnostics_(diagnostics) {}

    JudgedDirectives run() && {
        for (const Directives::Callback& each : changes_.directives().callbacks) judge(each);
        for (const Forced& each : changes_.directives().forced) {
            if (each.kind == ForcedKind::ignored_section)
                judge_section(each.name);
            else
                judge_function(each);
        }
        for (const LeftOut& each : changes_.directives().left_out) judge(each);
        return std::move(judged_);
    }

private:
    // The kernel's own code is no code of the livepatch: its address is not known when that is linked.
    void judge(const Directives::Callback& callback) {
        const Piece& function = *callback.function;
        const std::string_view event = name_of(callback.event);
        if (function.role != Role::code || !function.is_function())
            refuse(fmt::format("'{}' in {} cannot be the {} callback: the livepatch cannot have this code",
                               function.label(), function.section->name, event))
                .hint("write a new function for it, without __init, __exit or another section");
        else if (pairs_.original_of(function) != nullptr && !changes_.has(function))
            refuse(fmt::format("'{}' is to be the {} callback, but is the kernel's own function and did not change",
                               function.name(), event))
                .hint("write a new function that calls it");
        else
            note(fmt::format("'{}' is the {} callback", function.name(), event));
    }

    void judge_function(const Forced& directive) {
        const std::string_view macro =
            directive.kind == ForcedKind::unsafe ? "KPATCH_FORCE_UNSAFE" : "KPATCH_IGNORE_FUNCTION";
        bool found = false;
        for (const Piece& piece : patched_.pieces()) {
            if (!is_function_named(piece, directive.name)) continue;
            found = true;
            directive.kind == ForcedKind::unsafe ? judge_unsafe(piece) : judge_ignored(piece);
        }
        if (found) return;
        diagnostics_
            .warning("diff.directive-unused", {patched_.object().display_name(), {}, {}},
                     fmt::format("{}({}) has no effect: the object has no such function", macro, directive.name))
            .note("the compiler has inlined it wherever it is called");
    }

    void judge_unsafe(const Piece& function) {
        const bool replaced = pairs_.original_of(function) != nullptr && changes_.has(function);
        if (!replaced)
            return note(fmt::format(
                "KPATCH_FORCE_UNSAFE({}) has no effect: the livepatch does not replace the function", function.name()));
        force(
            {ForcedKind::unsafe, std::string(function.name())},
            fmt::format("'{}' may be replaced while a task is in it (KPATCH_FORCE_UNSAFE), but the kernel waits until "
                        "no task is in any function of a livepatch: where that does not happen, write 1 to "
                        "/sys/kernel/livepatch/NAME/force",
                        function.name()));
    }

    void judge_ignored(const Piece& function) {
        if (pairs_.original_of(function) == nullptr) {
            refuse(fmt::format("'{}' is new: there is no original that KPATCH_IGNORE_FUNCTION could leave in its place",
                               function.name()))
                .hint("leave the line out, or the function");
            return;
        }
        const std::string& reason = changes_.left_out(function);
        if (reason.empty())
            return note(
                fmt::format("KPATCH_IGNORE_FUNCTION({}) has no effect: the function did not change", function.name()));
        force({ForcedKind::ignored_function, std::string(function.name())},
              fmt::format("the change of '{}' is left out (KPATCH_IGNORE_FUNCTION): {}", function.name(), reason));
    }

    void judge_section(const std::string& name) {
        const auto is_in = [&](const Piece& piece) { return piece.section->name == name; };
        const auto& pieces = patched_.pieces();
        const auto& before = pairs_.original().pieces();
        const elf::Section* section = find_section(name);
        if (section == nullptr) {
            refuse(fmt::format("the object has no section '{}', which is to be ignored", name))
                .hint("give the section's name as `readelf -S` of the object shows it, or leave the line out");
            return;
        }
        if (std::ranges::none_of(pieces, is_in) && std::ranges::none_of(before, is_in)) {
            refuse(
                fmt::format("section '{}' cannot be ignored: its parts are compared with the code that they belong to",
                            name))
                .hint("leave the line out: what did not change in the code did not change there");
            return;
        }
        const auto differs = [&](const Piece& piece) {
            return is_in(piece) && (pairs_.original_of(piece) == nullptr || !changes_.left_out(piece).empty());
        };
        const auto is_gone = [&](const Piece& piece) { return is_in(piece) && pairs_.patched_of(piece) == nullptr; };
        const auto changed = std::ranges::count_if(pieces, differs), gone = std::ranges::count_if(before, is_gone);
        if (changed + gone == 0)
            return note(fmt::format("KPATCH_IGNORE_SECTION(\"{}\") has no effect: nothing differs in it", name));
        force({ForcedKind::ignored_section, name},
              fmt::format("what differs in section {} is left out (KPATCH_IGNORE_SECTION): {} changed or new, {} gone",
                          name, changed, gone));
    }

    // None in this file: another one may have it.
    void judge(const LeftOut& directive) {
        for (const Piece& piece : patched_.pieces()) {
            if (!is_meant(directive, piece)) continue;
            const Piece* original = pairs_.original_of(piece);
            const bool is_new_entry =
                original == nullptr && (piece.role == Role::table || piece.role == Role::init_data);
            if (original != nullptr ? changes_.left_out(piece).empty() : !is_new_entry) continue;
            if (const Piece* code = changes_.leads_into(piece)) {
                refuse(fmt::format("'{}' cannot be left out: it has addresses inside of '{}', which changes",
                                   piece.label(), code->name()));
                continue;
            }
            const std::string what =
                is_new_entry ? fmt::format("the new '{}' is left out", piece.label())
                             : fmt::format("the change of '{}' is left out, {}", piece.label(), kept(*original, piece));
            force({ForcedKind::left_out, id_of(directive)}, fmt::format("{} (--accept {})", what, id_of(directive)));
        }
    }

    std::string kept(const Piece& original, const Piece& patched) const {
        if (patched.is_any_code() || original.range.size() == patched.range.size()) return changes_.left_out(patched);
        return fmt::format("which keeps its size of {} bytes where the patch has {}: new code must not rely on more",
                           original.range.size(), patched.range.size());
    }

    [[nodiscard]] const elf::Section* find_section(std::string_view name) const {
        const elf::Section* section = patched_.object().find_section(name);
        return section != nullptr ? section : pairs_.original().object().find_section(name);
    }

    void note(std::string text) { judged_.notes.push_back(std::move(text)); }
    void force(Forced forced, std::string text) {
        judged_.forced.push_back(std::move(forced));
        note(std::move(text));
    }
    Finding& refuse(std::string what) {
        return diagnostics_.error("diff.directive", {patched_.object().display_name(), {}, {}}, std::move(what));
    }

    const Changes& changes_;
    const Correlation& pairs_;
    const Decomposition& patched_;
    Diagnostics& diagnostics_;
    JudgedDirectives judged_;
};

}  // namespace

JudgedDirectives judge_directives(const Changes& changes, Diagnostics& diagnostics) {
    return DirectiveJudge(changes, diagnostics).run();
}

void check_left_out(const std::set<LeftOut>& asked, const std::set<Forced>& done, Diagnostics& diagnostics) {
    for (const LeftOut& each : asked) {
        if (done.contains({ForcedKind::left_out, id_of(each)})) continue;
        diagnostics.warning("diff.accept-unused", {},
                            fmt::format("--accept {} is not needed: nothing of this name is left out", id_of(each)));
    }
}

}  // namespace klp::diff
