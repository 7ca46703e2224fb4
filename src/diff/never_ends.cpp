// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "diff/outlives.hpp"
#include "diff/uses.hpp"

namespace klp::diff {

namespace {

// include/linux/kthread.h and what its macros call; kernel/fork.c:kernel_thread and its kin; net/sunrpc/svc.c keeps the
// function for its threads.
bool makes_threads(std::string_view name) {
    static constexpr auto names =
        std::to_array<std::string_view>({"kthread_create_on_node", "__kthread_create_on_node", "kthread_create_on_cpu",
                                         "kthread_run_on_cpu", "kernel_thread", "user_mode_thread", "create_io_thread",
                                         "vhost_task_create", "svc_create", "svc_create_pooled"});
    return std::ranges::find(names, name) != names.end();
}

// What nothing but a thread's own functions calls.
bool is_called_by_threads(std::string_view name) {
    static constexpr auto names = std::to_array<std::string_view>(
        {"kthread_should_stop", "kthread_should_park", "kthread_should_stop_or_park", "kthread_freezable_should_stop",
         "set_freezable", "kthread_exit", "kthread_complete_and_exit", "__module_put_and_kthread_exit"});
    return std::ranges::find(names, name) != names.end();
}

// kernel/sched/idle.c, init/main.c: on the stacks of the idle tasks for ever.
bool is_of_idle_tasks(std::string_view name) {
    return name == "cpu_startup_entry" || name == "rest_init";
}

// kernel/sched/core.c and wait.c, kernel/time: a task sleeps in them until something wakes it.
bool sleeps(std::string_view name) {
    return name == "schedule" || name == "io_schedule" || name == "freezable_schedule" ||
           name == "schedule_preempt_disabled" || name == "wait_woken" || name.starts_with("schedule_timeout") ||
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
            if (!original->is_local() && is_of_idle_tasks(original->name()))
                report_idle(*original);
            else if (const auto why = why_endless(*original))
                report(*original, *why);
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
        const auto is_one = [](const Field& field) { return is_called_by_threads(field.target.name()); };
        if (const Field* field = call_of(function, is_one))
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

    // kernel/sched/idle.c:do_idle() takes idle tasks to the other side of the transition without a look at their
    // stacks.
    void report_idle(const Piece& original) {
        diagnostics_
            .warning("diff.never-ends", original_.where(original),
                     fmt::format("idle tasks never leave '{}': those of CPUs that are up stay in the old one",
                                 original.name()))
            .note("a CPU that comes up later is in the new one, which is gone once the livepatch is unloaded")
            .hint("change what it calls");
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
