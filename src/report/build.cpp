// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/build.hpp"

#include <fmt/format.h>

#include "report/diff.hpp"
#include "report/explain.hpp"
#include "report/findings.hpp"

namespace klp::report {

namespace {

Json text_or_null(const std::string& text) {
    return text.empty() ? Json() : Json(text);
}

Json proven_json(const pipeline::Report& report) {
    if (report.functions_total == 0) return nullptr;
    Json others = Json::array();
    for (const auto& each : report.unproven)
        others.push_back({{"name", each.name},
                          {"object", each.object},
                          {"source", each.source},
                          {"fidelity", each.fidelity},
                          {"detail", each.detail}});
    return {{"identical", report.functions_proven}, {"total", report.functions_total}, {"others", std::move(others)}};
}

Json function_json(const pipeline::BuiltFunction& function) {
    Json json;
    json["name"] = function.name;
    json["new"] = function.added;
    json["carried"] = function.carried;
    json["sympos"] = function.fidelity.empty() || function.carried ? Json() : Json(function.sympos);
    json["fidelity"] = text_or_null(function.fidelity);
    json["source"] = function.source;
    json["reason"] = function.reason;
    return json;
}

Json data_json(const pipeline::BuiltData& data) {
    return {{"name", data.name},
            {"size", data.size},
            {"writable", data.writable},
            {"section", data.section},
            {"source", data.source}};
}

Json object_json(const pipeline::BuiltObject& object) {
    Json json;
    json["name"] = object.name;
    json["functions"] = Json::array();
    for (const auto& function : object.functions) json["functions"].push_back(function_json(function));
    json["data"] = Json::array();
    for (const auto& data : object.data) json["data"].push_back(data_json(data));
    json["outlives"] = object.outlives;
    json["callbacks"] = Json::array();
    for (const auto& each : object.callbacks)
        json["callbacks"].push_back({{"event", each.event}, {"function", each.function}, {"source", each.source}});
    json["forced"] = Json::array();
    for (const auto& each : object.forced)
        json["forced"].push_back({{"kind", each.kind}, {"name", each.name}, {"source", each.source}});
    return json;
}

Json unit_json(const pipeline::BuiltUnit& unit) {
    Json json;
    json["source"] = unit.source;
    json["objects"] = unit.objects;
    json["reached_by"] = unit.reached_by;
    json["changed"] = unit.changed;
    return json;
}

Json reference_json(const pipeline::BuiltReference& reference) {
    Json json;
    json["object"] = reference.object;
    json["symbol"] = reference.symbol;
    json["resolved"] = reference.resolved;
    json["how"] = reference.how;
    return json;
}

std::string object_text(const pipeline::BuiltObject& object) {
    Table table({"function", "change", "sympos", "proof", "source", "what differs"});
    for (const auto& function : object.functions) {
        if (function.added) {
            table.add({function.name, "new", "-", "-", function.source, function.reason});
        } else if (function.carried) {
            table.add({function.name, "carried", "-", function.fidelity, function.source, function.reason});
        } else {
            table.add({function.name, "patched", std::to_string(function.sympos), function.fidelity, function.source,
                       function.reason});
        }
    }
    return fmt::format("{}:\n{}", printable(object.name), table.text(2));
}

std::string references_text(const pipeline::Report& report) {
    Table table({"object", "symbol", "resolved as", "how"});
    for (const auto& reference : report.references) {
        table.add({reference.object, reference.symbol, reference.resolved, reference.how});
    }
    const std::string rows = table.text(2);
    return rows.empty() ? "no references\n" : "references:\n" + rows;
}

std::string timings_text(const Timings& timings) {
    std::string text;
    double total = 0;
    for (const auto& stage : timings.stages()) {
        text += fmt::format("{} {:.2f} s, ", stage.name, stage.seconds);
        total += stage.seconds;
    }
    return fmt::format("time: {}in all {:.2f} s\n", text, total);
}

}  // namespace

Json build_json(const pipeline::Report& report, const fs::path& module, const Timings& timings) {
    Json json;
    json["module"] = text_or_null(module.string());
    json["name"] = text_or_null(report.name);
    json["kernel"] = text_or_null(report.kernel);
    json["objects"] = Json::array();
    for (const auto& object : report.objects) json["objects"].push_back(object_json(object));
    json["units"] = Json::array();
    for (const auto& unit : report.units) json["units"].push_back(unit_json(unit));
    json["references"] = Json::array();
    for (const auto& reference : report.references) json["references"].push_back(reference_json(reference));
    json["proven"] = proven_json(report);
    json["accepted"] = accepted_json(report.accepted_layouts);
    json["notes"] = report.notes;
    if (report.explanation) json["explanation"] = explanation_json(*report.explanation);
    json["timings"] = Json::object();
    for (const auto& stage : timings.stages()) json["timings"][stage.name] = stage.seconds;
    return json;
}

std::string build_text(const pipeline::Report& report, const fs::path& module, const Timings& timings, bool verbose) {
    std::string text = fmt::format("{} for kernel {}\n", printable(module.string()), printable(report.kernel));
    for (const auto& object : report.objects) text += object_text(object);
    if (verbose) text += references_text(report);
    text += fmt::format(
        "proof: {} of {} functions of the recompiled units equal what is shipped, among them every patched one\n",
        report.functions_proven, report.functions_total);
    if (verbose)
        for (const auto& each : report.unproven)
            text += fmt::format("  {} ({}) is {}: {}\n", printable(each.name), printable(each.source), each.fidelity,
                                printable(each.detail));
    text += accepted_text(report.accepted_layouts);
    for (const auto& note : report.notes) text += fmt::format("note: {}\n", printable(note));
    if (report.explanation) text += "\n" + explanation_text(*report.explanation) + "\n";
    return text + timings_text(timings);
}

Json build_findings_json(const Diagnostics& findings, const pipeline::Report& report) {
    Json list = findings_json(findings);
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto line = i < report.finding_lines.size() ? report.finding_lines[i] : std::nullopt;
        list[i]["line"] = line ? Json({{"file", line->file}, {"line", line->line}}) : Json();
    }
    return list;
}

}  // namespace klp::report
