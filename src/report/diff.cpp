// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/diff.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace klp::report {

namespace {

std::string_view status_word(diff::FunctionStatus status) {
    switch (status) {
        case diff::FunctionStatus::changed:
            return "changed";
        case diff::FunctionStatus::added:
            return "new";
        case diff::FunctionStatus::carried:
            return "carried";
        case diff::FunctionStatus::included:
            return "included";
    }
    return "changed";
}

std::string_view status_word(diff::DataStatus status) {
    return status == diff::DataStatus::added ? "new" : "copied";
}

}  // namespace

Json accepted_json(const std::vector<diff::LayoutChange>& layouts) {
    Json accepted = Json::array();
    for (const auto& each : layouts) {
        Json json = {{"id", "diff.layout"}};
        json.update(diff::layout_json(each));
        accepted.push_back(std::move(json));
    }
    return accepted;
}

std::string accepted_text(const std::vector<diff::LayoutChange>& layouts) {
    std::string text;
    for (const auto& each : layouts) {
        text += fmt::format("accepted: {} changed [diff.layout]\n", printable(each.type));
        for (const std::string& line : diff::descriptions(each)) text += fmt::format("  {}\n", printable(line));
    }
    return text;
}

Json diff_json(const diff::Result& result) {
    Json functions = Json::array();
    for (const auto& each : result.functions) {
        functions.push_back({{"name", each.name},
                             {"status", status_word(each.status)},
                             {"section", each.section},
                             {"reason", each.reason}});
    }
    Json data = Json::array();
    for (const auto& each : result.data) {
        data.push_back({{"name", each.name.empty() ? Json() : Json(each.name)},
                        {"status", status_word(each.status)},
                        {"section", each.section},
                        {"size", each.size},
                        {"writable", each.writable}});
    }
    Json references = Json::array();
    for (const auto& each : result.references) {
        references.push_back(
            {{"name", each.name}, {"symbol", each.extracted->name}, {"defined_in_unit", each.defined_in_unit}});
    }
    Json callbacks = Json::array();
    for (const auto& each : result.callbacks)
        callbacks.push_back({{"event", name_of(each.event)}, {"function", each.name}});
    Json forced = Json::array();
    for (const auto& [kind, name] : result.forced) forced.push_back({{"kind", name_of(kind)}, {"name", name}});
    return {{"functions", functions},
            {"data", data},
            {"references", references},
            {"accepted", accepted_json(result.accepted_layouts)},
            {"outlives", result.outlives},
            {"callbacks", callbacks},
            {"forced", forced},
            {"other_lines", result.other_lines},
            {"notes", result.notes}};
}

std::string diff_text(const diff::Result& result) {
    std::string notes;
    if (!result.other_lines.empty()) {
        notes += fmt::format("\nleft out, because nothing but numbers of lines differs: {}\n",
                             printable(fmt::format("{}", fmt::join(result.other_lines, ", "))));
    }
    for (const std::string& note : result.notes) notes += "\nnote: " + printable(note) + "\n";
    if (result.unchanged()) return "no function changed\n" + notes;
    Table functions({"FUNCTION", "STATUS", "SECTION", "WHY"});
    for (const auto& each : result.functions)
        functions.add({each.name, std::string(status_word(each.status)), each.section, each.reason});
    Table data({"DATA", "STATUS", "SECTION", "SIZE"});
    for (const auto& each : result.data) {
        data.add({each.name.empty() ? "(constants)" : each.name, std::string(status_word(each.status)), each.section,
                  fmt::format("{}", each.size)});
    }
    Table references({"REFERENCE", "DEFINED"});
    for (const auto& each : result.references)
        references.add({each.name, each.defined_in_unit ? "in this file" : "elsewhere"});
    std::string text = functions.text();
    for (const Table* table : {&data, &references}) {
        if (const std::string rows = table->text(); !rows.empty()) text += "\n" + rows;
    }
    if (!result.accepted_layouts.empty()) text += "\n" + accepted_text(result.accepted_layouts);
    return text + notes;
}

}  // namespace klp::report
