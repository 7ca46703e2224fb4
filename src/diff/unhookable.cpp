// SPDX-License-Identifier: GPL-2.0-or-later
// Bodies of static inline functions, of what macros make of a system call and of the compiler's clones of these have no
// ftrace site, but their callers may have one.
#include <fmt/format.h>

#include <algorithm>

#include "arch/ftrace_sites.hpp"
#include "diff/changes.hpp"

namespace klp::diff {

void UnhookableFunctions::spread() {
    const Correlation& pairs = changes_.pairs();
    const Decomposition& original = pairs.original();
    for (const Piece& piece : pairs.patched().pieces()) {
        const Piece* before = pairs.original_of(piece);
        if (!piece.is_function() || !changes_.has(piece) || before == nullptr) continue;
        if (arch::is_traceable_unit(original.architecture(), original.object(), *before->symbol())) continue;
        if (judged_.insert(&piece).second) judge(*before, piece);
    }
}

void UnhookableFunctions::judge(const Piece& original, const Piece& patched) {
    Callers callers = callers_of(original, patched);
    if (!callers.obstacles.empty()) {
        changes_.block(patched, std::move(callers.obstacles));
        return;
    }
    changes_.carry(patched);
    if (callers.patched.empty()) changes_.add_unreachable(patched);
    for (const Piece* caller : callers.patched)
        changes_.mark(*caller, fmt::format("it calls '{}', which cannot be hooked", patched.name()));
}

// A caller that the patch takes away is still there in the running kernel: its own callers count in its stead.
UnhookableFunctions::Callers UnhookableFunctions::callers_of(const Piece& original, const Piece& patched) {
    const Correlation& pairs = changes_.pairs();
    if (!original_ways_) original_ways_.emplace(pairs.original(), hooking_.is_module);
    if (!patched_ways_) patched_ways_.emplace(pairs.patched(), hooking_.is_module);
    Callers callers{{}, patched_ways_->of(patched).obstacles};
    std::vector<const Piece*> waiting{&original};
    for (std::size_t i = 0; i < waiting.size(); ++i) {
        const Ways ways = original_ways_->of(*waiting[i]);
        for (const std::string& obstacle : ways.obstacles) {
            std::string text =
                i == 0 ? obstacle : fmt::format("'{}', which calls it: {}", waiting[i]->name(), obstacle);
            if (std::ranges::find(callers.obstacles, text) == callers.obstacles.end())
                callers.obstacles.push_back(std::move(text));
        }
        for (const Piece* caller : ways.callers) {
            if (const Piece* counterpart = pairs.patched_of(*caller))
                callers.patched.push_back(counterpart);
            else if (std::ranges::find(waiting, caller) == waiting.end())
                waiting.push_back(caller);
        }
    }
    return callers;
}

}  // namespace klp::diff
