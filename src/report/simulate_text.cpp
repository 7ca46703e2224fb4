// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <map>

#include "base/errno_text.hpp"
#include "kernel/ftrace_table.hpp"
#include "report/simulate.hpp"
#include "report/simulate_names.hpp"

namespace klp::report {

namespace {

std::string result_of(const loader::EventReport& report) {
    if (report.undefined_behaviour) return "cannot be told: " + printable(*report.undefined_behaviour);
    if (report.error != 0) return "fails: " + errno_text(report.error);
    return "done";
}

// "3 fields, 1 stub"
std::string counted_writes(const loader::RelocationStep& step) {
    std::map<arch::WriteKind, std::size_t> counts;
    for (const auto& write : step.writes) ++counts[write.kind];
    if (counts.empty()) return "nothing written";
    std::string text;
    for (const auto& [kind, count] : counts) text += (text.empty() ? "" : ", ") + counted(kind, count);
    return text;
}

std::string write_line(const arch::MemoryWrite& write, const loader::RelocationStep& step) {
    return fmt::format("      {}+{:#x}  {} -> {}  {}\n", printable(place_of(write, step).name), write.offset,
                       hexadecimal(write.before), hexadecimal(write.after), word_of(write.kind));
}

std::string step_text(const loader::RelocationStep& step, bool verbose) {
    const std::string cause = step.object.empty() ? "" : fmt::format(" for {}", printable(step.object));
    std::string text = fmt::format("    {} {} of {}{}: {}\n", word_of(step.action), printable(step.section),
                                   printable(step.module), cause, counted_writes(step));
    if (verbose) {
        for (const auto& write : step.writes) text += write_line(write, step);
    }
    if (step.refusal) {
        const auto& index = step.refusal->relocation;
        text += fmt::format("      refused{}: {}\n", index ? fmt::format(" at relocation {}", *index) : "",
                            errno_text(step.refusal->error));
    }
    return text;
}

std::string event_text(const loader::EventReport& report, bool verbose) {
    std::string text =
        fmt::format("{} {}: {}\n", word_of(report.event.kind), printable(report.event.subject), result_of(report));
    for (const auto& step : report.steps) text += step_text(step, verbose);
    for (const auto& line : report.log) text += fmt::format("  | {}\n", printable(line.text));
    for (const auto& each : report.not_replaced)
        text += fmt::format("  '{}' is not replaced: {}\n", printable(each.function),
                            kernel::problem_of_hook(each.hook, each.address));
    return text;
}

std::string state_of(const loader::LoadedModule& module) {
    if (!module.patch) return module.live ? "live" : "coming";
    if (module.patch->replaced) return "replaced";
    return module.patch->enabled ? "enabled" : "disabled";
}

std::string modules_text(const Modules& modules) {
    Table table({"module", "state", "section", "address", "size"});
    for (const auto* module : modules) {
        for (const auto& section : module->sections) {
            if (section.freed) continue;
            table.add({module->name, state_of(*module), section.name, fmt::format("{:#018x}", section.address),
                       fmt::format("{:#x}", section.memory.size())});
        }
    }
    return table.text(2);
}

std::string state_of(const loader::Patch& patch, const loader::PatchedObject& object) {
    if (patch.replaced) return "replaced";
    if (!patch.enabled) return "disabled";
    if (!object.loaded) return fmt::format("waits for {}", object.name);
    return object.patched ? "patched" : "not patched";
}

// A function of a patched object may be hooked where it does not help.
std::string state_of(const loader::Patch& patch, const loader::PatchedObject& object,
                     const loader::PatchedFunction& function) {
    const bool is_elsewhere = function.hook && function.hook->where == kernel::Hook::Where::elsewhere;
    if (!is_elsewhere) return state_of(patch, object);
    return fmt::format("not replaced, hooked at +{:#x}", function.hook->address - function.old_address);
}

void add_functions(const loader::LoadedModule& module, const loader::PatchedObject& object, Table& table) {
    for (const auto& function : object.functions) {
        table.add({module.name, object.name, function.name, state_of(*module.patch, object, function),
                   function.old_address == 0 ? "-" : fmt::format("{:#018x}", function.old_address),
                   fmt::format("{:#018x}", function.new_address)});
    }
}

std::string functions_text(const Modules& modules) {
    Table table({"livepatch", "object", "function", "state", "from", "to"});
    for (const auto* module : modules) {
        if (!module->patch) continue;
        for (const auto& object : module->patch->objects) add_functions(*module, object, table);
    }
    return table.text(2);
}

std::string titled(std::string_view title, const std::string& rows) {
    return rows.empty() ? "" : fmt::format("\n{}\n{}", title, rows);
}

}  // namespace

std::string simulate_text(const TargetKernel& kernel, const Events& events, const Modules& modules, bool verbose) {
    std::string text;
    for (const auto& event : events) text += event_text(event, verbose);
    return text + titled("functions", functions_text(modules)) +
           (verbose ? titled("memory", modules_text(modules)) : "") + unknown_text(kernel);
}

}  // namespace klp::report
