// SPDX-License-Identifier: GPL-2.0-or-later
// What a livepatch does is decided in part by the system that it is loaded into: what no check of a file can look at.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "check/target.hpp"
#include "loader/simulation.hpp"

namespace klp::check {

void leave_out_code(const elf::Object& module, LeftOut& left_out) {
    if (is_signed(module)) left_out.add("the signature", "a kernel alone knows the keys that it trusts");
    left_out.add("what the new code does", "instructions are not followed");
}

void leave_out_running_system(const Check& check) {
    LeftOut& left_out = check.left_out;
    for (const format::PatchedObject& object : check.livepatch.objects)
        if (object.has_callbacks)
            left_out.add(fmt::format("the callbacks of '{}'", object.name),
                         "the simulated load runs no code of modules");
    const auto has_functions = [](const format::PatchedObject& object) { return !object.functions.empty(); };
    if (std::ranges::any_of(check.livepatch.objects, has_functions))
        left_out.add("the transition", "when tasks leave the functions that are replaced is known at run time alone");
    left_out.add("other modules and livepatches that are loaded",
                 "the simulated load begins with a kernel that has none");
    left_out.add("relocations at other addresses of the modules", "the kernel chooses those when it loads them");
}

void leave_out_rewrites(const Check& check, const loader::LoadedModule& module) {
    std::map<std::string, std::size_t> counts;
    for (const loader::Rewrite& each : module.rewrites)
        if (!each.exact) ++counts[each.mechanism];
    std::vector<std::string> words;
    words.reserve(counts.size());
    for (const auto& [mechanism, count] : counts) words.push_back(fmt::format("{} {}", count, mechanism));
    if (words.empty()) return;
    check.left_out.add(fmt::format("what the kernel writes into live code ({})", fmt::join(words, ", ")),
                       "it depends on the CPU, the command line and the state of the running kernel");
}

}  // namespace klp::check
