// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/ways_in.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace klp::diff {

namespace {

const Piece& whole_function(const Piece& code) {
    return code.parent != nullptr ? *code.parent : code;
}

// Addresses that nothing is called by: kernel/kprobes.c:populate_kprobe_blacklist().
bool leads_nowhere(const Piece& table) {
    return table.section->name == "_kprobe_blacklist";
}

void add_once(std::vector<const Piece*>& pieces, const Piece& piece) {
    if (std::ranges::find(pieces, &piece) == pieces.end()) pieces.push_back(&piece);
}

}  // namespace

WaysIn::WaysIn(const Decomposition& object, bool is_module)
    : object_(object), is_module_(is_module), ways_(object.pieces().size()) {
    const auto add = [&](const Way& way) {
        if (way.field->target.piece != nullptr) ways_[way.field->target.piece->index].push_back(way);
    };
    for (const Piece& holder : object.pieces()) {
        for (const Field& field : object.fields(holder)) add({&holder, &field});
        for (const SpecialEntry& entry : holder.entries)
            for (const Field& field : object.fields(entry)) add({&holder, &field, &entry});
    }
}

Ways WaysIn::of(const Piece& function) const {
    Ways ways;
    if (!function.is_local()) ways.obstacles.emplace_back("it is global: other files may call it");
    // Replacements of alternatives belong to whoever has the entry.
    std::vector<const Piece*> waiting{&function};
    for (std::size_t i = 0; i < waiting.size(); ++i)
        for (const Way& way : ways_[waiting[i]->index]) judge(function, way, ways, waiting);
    return ways;
}

void WaysIn::judge(const Piece& function, const Way& way, Ways& ways, std::vector<const Piece*>& waiting) const {
    const bool is_own = &whole_function(*way.holder) == &function;
    if (way.entry != nullptr) {
        if (is_own || way.entry->table->origin == arch::Origin::derived) return;
        if (way.field->target.piece->role == Role::code_pool)
            add_once(ways.callers, whole_function(*way.holder));
        else
            ways.obstacles.push_back(
                fmt::format("an entry of '{}' in {} has its address", way.holder->label(), way.entry->section->name));
        return;
    }
    if (way.holder->is_any_code() || way.holder->role == Role::code_pool) {
        const bool is_inside = way.field->target.delta + object_.bias(*way.field, *way.holder) != 0;
        if (!is_own || !(is_branch(way) || is_inside)) judge_code(way, ways, waiting);
        return;
    }
    // Labels inside are the function's own.
    if (way.field->target.delta == 0 && !leads_nowhere(*way.holder))
        ways.obstacles.push_back(fmt::format("its address is in '{}'", way.holder->label()));
}

void WaysIn::judge_code(const Way& way, Ways& ways, std::vector<const Piece*>& waiting) const {
    const Piece& holder = *way.holder;
    if (holder.role == Role::exit_code && !is_module_) return;
    if (!is_branch(way)) {
        ways.obstacles.push_back(fmt::format("its address is taken by '{}' at +{:#x}", holder.label(),
                                             way.field->offset() - holder.range.begin));
        return;
    }
    if (holder.role == Role::code_pool)
        add_once(waiting, holder);
    else if (holder.role == Role::exit_code)
        ways.obstacles.push_back(
            fmt::format("'{}' calls it, which is __exit code and cannot be hooked", holder.label()));
    else if (holder.role == Role::code)
        add_once(ways.callers, whole_function(holder));
}

bool WaysIn::is_branch(const Way& way) const {
    return object_.architecture().is_branch(*way.holder->section, way.holder->range, *way.field->relocation);
}

}  // namespace klp::diff
