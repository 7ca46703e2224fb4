// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "diff/outlives.hpp"
#include "diff/uses.hpp"

namespace klp::diff {

namespace {

// include/linux/kthread.h and what its macros call, kernel/fork.c:kernel_thread.
bool makes_threads(std::string_view name) {
    static constexpr std::array<std::string_view, 6> names = {"kthread_create_on_node", "__kthread_create_on_node",
                                                              "kthread_create_on_cpu",  "kthread_run_on_cpu",
                                                              "kernel_thread",          "user_mode_thread"};
    return std::ranges::find(names, name) != names.end();
}

// What nothing but a thread's own functions asks.
bool is_asked_by_threads(std::string_view name) {
    static constexpr std::array<std::string_view, 4> names = {
        "kthread_should_stop", "kthread_should_park", "kthread_should_stop_or_park", "kthread_freezable_should_stop"};
    return std::ranges::find(names, name) != names.end();
}

// kernel/sched/core.c, kernel/time: a task sleeps in them until something wakes it.
bool sleeps(std::string_view name) {
    return name == "schedule" || name == "io_schedule" || name == "freezable_schedule" ||
           name == "schedule_preempt_disabled" || name.starts_with("schedule_timeout") ||
           name.starts_with("io_schedule_timeout") || name.starts_with("freezable_schedule_timeout") ||
           name.starts_with("schedule_hrtimeout") || name.starts_with("freezable_schedule_hrtimeout");
}

class EndlessFunctions {
public:
    EndlessFunctions(const Changes& changes, Diagnostics& diagnostics)
        : changes_(changes), original_(changes.pairs().original()), diagnostics_(diagnostics) {}

    void warn() {
        for (const Piece& piece : changes_.pairs().patched().pieces()) {
            const Piece* original = changes_.pairs().original_of(piece);
            if (!piece.is_function() || !changes_.has(piece) || original == nullptr) continue;
            if (const auto why = why_endless(*original)) report(*original, *why);
        }
    }

private:
    template <typename Predicate>
    const Field* call_of(const Piece& function, Predicate predicate) const {
        for (const Field& field : original_.fields(function)) {
            if (is_call(function, field) && predicate(field)) return &field;
        }
        return nullptr;
    }

    bool is_call(const Piece& function, const Field& field) const {
        const bool has_name = field.target.kind == Target::Kind::undefined || field.target.kind == Target::Kind::piece;
        return has_name && original_.architecture().is_branch(*function.section, function.range, *field.relocation);
    }

    std::optional<std::string> why_endless(const Piece& function) {
        if (const Piece* maker = maker_of_thread(function))
            return fmt::format("it is the main function of a kernel thread, which '{}' starts", maker->label());
        const auto asks = [](const Field& field) { return is_asked_by_threads(field.target.name()); };
        if (const Field* field = call_of(function, asks))
            return fmt::format("it is run by a kernel thread of its own: it calls {}()", field->target.name());
        return why_sleeping(function);
    }

    const Piece* maker_of_thread(const Piece& function) {
        if (!uses_) uses_.emplace(original_);
        for (const PlaceOfUse& place : uses_->of_address(function)) {
            const auto makes = [](const Field& field) { return makes_threads(field.target.name()); };
            if (place.holder->is_any_code() && call_of(*place.holder, makes) != nullptr) return place.holder;
        }
        return nullptr;
    }

    std::optional<std::string> why_sleeping(const Piece& function) const {
        const auto is_sleep = [](const Field& field) { return sleeps(field.target.name()); };
        if (call_of(function, is_sleep) == nullptr) return std::nullopt;
        const auto branches = original_.architecture().inner_branches(*function.section, function.range);
        const Field* field = call_of(function, [&](const Field& each) {
            const auto is_around = [&](const arch::InnerBranch& branch) {
                return branch.to <= each.offset() && each.offset() < branch.from;
            };
            return is_sleep(each) && std::ranges::any_of(branches, is_around);
        });
        if (field == nullptr) return std::nullopt;
        return fmt::format("it calls {}() in a loop", field->target.name());
    }

    void report(const Piece& original, const std::string& why) {
        diagnostics_
            .warning("diff.never-ends", original_.where(original),
                     fmt::format("the transition cannot end while a task is in '{}', and one may be for ever: {}",
                                 original.name(), why))
            .hint(
                "see /proc/PID/patch_state for the tasks that are waited for; a kernel thread must stop or be "
                "restarted");
    }

    const Changes& changes_;
    const Decomposition& original_;
    Diagnostics& diagnostics_;
    std::optional<Uses> uses_;
};

}  // namespace

void warn_of_what_never_ends(const Changes& changes, Diagnostics& diagnostics) {
    EndlessFunctions(changes, diagnostics).warn();
}

}  // namespace klp::diff
