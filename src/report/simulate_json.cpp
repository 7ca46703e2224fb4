// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "base/errno_text.hpp"
#include "report/simulate.hpp"
#include "report/simulate_names.hpp"

namespace klp::report {

namespace {

// Addresses do not fit the numbers of most JSON readers.
std::string address_text(std::uint64_t address) {
    return fmt::format("{:#018x}", address);
}

Json range_json(arch::Range range) {
    return {{"begin", range.begin}, {"end", range.end}};
}

Json write_json(const arch::MemoryWrite& write, const loader::RelocationStep& step) {
    const loader::WrittenSection place = place_of(write, step);
    Json json = {{"kind", word_of(write.kind)},
                 {"section", place.name},
                 {"section_index", write.section ? Json(*write.section) : Json(nullptr)},
                 {"offset", write.offset},
                 {"address", address_text(place.address + write.offset)},
                 {"before", hexadecimal(write.before)},
                 {"after", hexadecimal(write.after)},
                 {"relocation", write.relocation ? Json(*write.relocation) : Json(nullptr)}};
    if (write.indeterminate.size() != 0) json["indeterminate"] = range_json(write.indeterminate);
    return json;
}

Json refusal_json(const std::optional<arch::Refusal>& refusal) {
    if (!refusal) return nullptr;
    return {{"errno", refusal->error},
            {"messages", refusal->messages},
            {"warns", refusal->warns},
            {"relocation", refusal->relocation ? Json(*refusal->relocation) : Json(nullptr)}};
}

Json step_json(const loader::RelocationStep& step) {
    Json writes = Json::array();
    for (const auto& write : step.writes) writes.push_back(write_json(write, step));
    return {{"action", word_of(step.action)},
            {"module", step.module},
            {"section", step.section},
            {"target", step.target},
            {"object", step.object.empty() ? Json(nullptr) : Json(step.object)},
            {"writes", std::move(writes)},
            {"refusal", refusal_json(step.refusal)}};
}

Json event_json(const loader::EventReport& report) {
    Json log = Json::array();
    for (const auto& line : report.log) log.push_back({{"level", word_of(line.level)}, {"text", line.text}});
    Json steps = Json::array();
    for (const auto& step : report.steps) steps.push_back(step_json(step));
    Json not_replaced = Json::array();
    for (const auto& each : report.not_replaced) not_replaced.push_back(each.function);
    return {{"event", word_of(report.event.kind)},
            {"subject", report.event.subject},
            {"module", report.module},
            {"ok", report.ok()},
            {"errno", report.error},
            {"error", report.error == 0 ? Json(nullptr) : Json(errno_text(report.error))},
            {"undefined_behaviour", report.undefined_behaviour ? Json(*report.undefined_behaviour) : Json(nullptr)},
            {"log", std::move(log)},
            {"not_replaced", std::move(not_replaced)},
            {"steps", std::move(steps)}};
}

Json section_json(const loader::LoadedSection& section) {
    return {{"index", section.index},        {"name", section.name},
            {"area", word_of(section.area)}, {"address", address_text(section.address)},
            {"size", section.memory.size()}, {"freed", section.freed}};
}

Json rewrite_json(const loader::Rewrite& rewrite) {
    return {{"mechanism", rewrite.mechanism}, {"section_index", rewrite.section}, {"begin", rewrite.range.begin},
            {"end", rewrite.range.end},       {"exact", rewrite.exact},           {"why", rewrite.why}};
}

Json function_json(const loader::PatchedFunction& function) {
    const bool has_hook = function.hook && function.hook->address != 0;
    return {{"name", function.name},
            {"sympos", function.sympos},
            {"old_address", function.old_address == 0 ? Json(nullptr) : Json(address_text(function.old_address))},
            {"old_size", function.old_size},
            {"new_address", address_text(function.new_address)},
            {"hook", function.hook ? Json(word_of(function.hook->where)) : Json(nullptr)},
            {"hook_address", has_hook ? Json(address_text(function.hook->address)) : Json(nullptr)}};
}

Json patch_json(const loader::Patch& patch) {
    Json objects = Json::array();
    for (const auto& object : patch.objects) {
        Json functions = Json::array();
        for (const auto& function : object.functions) functions.push_back(function_json(function));
        objects.push_back({{"name", object.name},
                           {"loaded", object.loaded},
                           {"patched", object.patched},
                           {"functions", std::move(functions)}});
    }
    return {{"enabled", patch.enabled},
            {"replace", patch.replace},
            {"replaced", patch.replaced},
            {"objects", std::move(objects)}};
}

}  // namespace

Json loaded_module_json(const loader::LoadedModule& module) {
    Json sections = Json::array();
    for (const auto& section : module.sections) sections.push_back(section_json(section));
    Json rewrites = Json::array();
    for (const auto& rewrite : module.rewrites) rewrites.push_back(rewrite_json(rewrite));
    Json json = {{"name", module.name}, {"live", module.live}, {"sections", std::move(sections)}};
    json["reserved_text"] = module.reserved_text.empty() ? Json(nullptr)
                                                         : Json{{"address", address_text(module.reserved_text_address)},
                                                                {"size", module.reserved_text.size()}};
    json["rewrites"] = std::move(rewrites);
    json["live_data"] = module.live_data;
    json["patch"] = module.patch ? patch_json(*module.patch) : Json(nullptr);
    return json;
}

Json simulate_json(const TargetKernel& kernel, const Events& events, const Modules& modules) {
    Json json = {{"kernel", kernel.name}, {"events", Json::array()}, {"modules", Json::array()}};
    for (const auto& event : events) json["events"].push_back(event_json(event));
    for (const auto* module : modules) json["modules"].push_back(loaded_module_json(*module));
    json["unknown"] = unknown_json(kernel.unknown);
    json["headers_error"] = kernel.headers_error ? Json(*kernel.headers_error) : Json();
    return json;
}

}  // namespace klp::report
