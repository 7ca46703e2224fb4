// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel finds tasks in replaced functions by the return addresses on their stacks, and knows these functions alone
// (kernel/livepatch/transition.c:klp_check_stack_func()). What such a function jumps to at its end, it does not see.
#include <fmt/format.h>

#include <algorithm>

#include "diff/outlives.hpp"

namespace klp::diff {

namespace {

class TailCalls {
public:
    explicit TailCalls(const Changes& changes) : changes_(changes), pairs_(changes.pairs()) {}

    std::vector<std::string> warn(const Selection& selection, Diagnostics& diagnostics) const {
        std::vector<std::string> lines;
        for (const Piece* piece : selection.pieces) {
            const Piece* original = pairs_.original_of(*piece);
            const bool is_replaced = piece->is_function() && original != nullptr && !changes_.is_carried(*piece);
            if (!is_replaced) continue;
            const Piece* is = jumped_to(pairs_.patched(), *piece, [](const Piece& each) { return &each; });
            const Piece* was =
                jumped_to(pairs_.original(), *original, [&](const Piece& each) { return pairs_.patched_of(each); });
            if (is == nullptr && was == nullptr) continue;
            report(*piece, was, is, diagnostics);
            if (is != nullptr)
                lines.push_back(fmt::format("a task in '{}', which '{}' jumps to", is->name(), piece->name()));
        }
        return lines;
    }

private:
    template <typename InPatched>
    const Piece* jumped_to(const Decomposition& object, const Piece& code, InPatched in_patched) const {
        const arch::Arch& architecture = object.architecture();
        for (const Field& field : object.fields(code)) {
            const Piece* target = field.target.piece == nullptr ? nullptr : in_patched(*field.target.piece);
            if (target == nullptr || !changes_.is_carried(*target)) continue;
            if (architecture.is_branch(*code.section, code.range, *field.relocation) &&
                !architecture.is_call(*code.section, code.range, *field.relocation))
                return target;
        }
        for (const Piece* part : code.cold_parts)
            if (const Piece* target = jumped_to(object, *part, in_patched)) return target;
        return nullptr;
    }

    void report(const Piece& function, const Piece* was, const Piece* is, Diagnostics& diagnostics) const {
        const Piece& body = is != nullptr ? *is : *was;
        Finding& finding = diagnostics.warning(
            "diff.tail-call", pairs_.patched().where(function),
            fmt::format("'{}' jumps to '{}', so that tasks in there are not seen when the kernel looks for tasks in "
                        "replaced functions",
                        function.name(), body.name()));
        if (was != nullptr)
            finding.note("a task that sleeps in the old one goes on in it when the transition is complete");
        if (is == nullptr) return;
        finding.note(
            "a task that sleeps in the new one comes back to memory that is gone once the livepatch is unloaded");
        finding.hint("if a task can sleep in it, do not unload the livepatch");
    }

    const Changes& changes_;
    const Correlation& pairs_;
};

}  // namespace

std::vector<std::string> warn_of_tail_calls(const Changes& changes, const Selection& selection,
                                            Diagnostics& diagnostics) {
    return TailCalls(changes).warn(selection, diagnostics);
}

}  // namespace klp::diff
