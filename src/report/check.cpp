// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace klp::report {

namespace {

std::size_t count_of(const Diagnostics& findings, Severity severity) {
    return static_cast<std::size_t>(std::ranges::count(findings.findings(), severity, &Finding::severity));
}

std::string count_of(std::size_t count, std::string_view word) {
    return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

Json finding_json(const Finding& finding) {
    Json json = {{"id", finding.id}, {"severity", word_of(finding.severity)}, {"file", finding.where.file}};
    json["section"] = finding.where.section.empty() ? Json() : Json(finding.where.section);
    json["offset"] = finding.where.offset ? Json(*finding.where.offset) : Json();
    json["message"] = finding.message;
    json["notes"] = finding.notes;
    json["hints"] = finding.hints;
    return json;
}

std::string simulation_text(const check::Summary& summary) {
    if (summary.kernel.empty()) return "not against a kernel";
    if (!summary.simulated) return fmt::format("kernel {}, no simulated load", printable(summary.kernel));
    std::string text = fmt::format("kernel {}, simulated load", printable(summary.kernel));
    if (!summary.objects.empty())
        text += fmt::format(" with {} coming, going and coming again",
                            printable(fmt::format("{}", fmt::join(summary.objects, ", "))));
    if (!summary.not_simulated.empty())
        text += fmt::format(" without {}", printable(fmt::format("{}", fmt::join(summary.not_simulated, ", "))));
    return text;
}

}  // namespace

Json check_json(const std::string& file, const Diagnostics& findings, const check::Summary& summary) {
    Json list = Json::array();
    for (const Finding& finding : findings.findings()) list.push_back(finding_json(finding));
    Json simulation = {
        {"done", summary.simulated}, {"objects", summary.objects}, {"missing_objects", summary.not_simulated}};
    return {{"file", file},
            {"kernel", summary.kernel.empty() ? Json() : Json(summary.kernel)},
            {"findings", std::move(list)},
            {"summary",
             {{"errors", count_of(findings, Severity::error)},
              {"warnings", count_of(findings, Severity::warning)},
              {"notes", count_of(findings, Severity::note)},
              {"simulation", std::move(simulation)}}}};
}

std::string check_text(const std::string& file, const Diagnostics& findings, const check::Summary& summary) {
    const std::size_t errors = count_of(findings, Severity::error);
    const std::size_t warnings = count_of(findings, Severity::warning);
    const std::string result =
        errors + warnings == 0 ? "sound" : count_of(errors, "error") + ", " + count_of(warnings, "warning");
    return fmt::format("{}: {} (checked: structure, {})\n", printable(file), result, simulation_text(summary));
}

}  // namespace klp::report
