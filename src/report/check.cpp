// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "report/findings.hpp"
#include "report/unknown.hpp"

namespace klp::report {

namespace {

std::size_t count_of(const Diagnostics& findings, Severity severity) {
    return static_cast<std::size_t>(std::ranges::count(findings.findings(), severity, &Finding::severity));
}

std::string count_of(std::size_t count, std::string_view word) {
    return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

Json not_checked_json(const check::LeftOut& left_out) {
    Json list = Json::array();
    for (const check::NotChecked& each : left_out.all()) list.push_back({{"what", each.what}, {"why", each.why}});
    return list;
}

std::string not_checked_text(const check::LeftOut& left_out) {
    std::string text = "not checked:\n";
    for (const check::NotChecked& each : left_out.all())
        text += fmt::format("  {}: {}\n", printable(each.what), printable(each.why));
    return text;
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
    Json simulation = {
        {"done", summary.simulated}, {"objects", summary.objects}, {"missing_objects", summary.not_simulated}};
    return {{"file", file},
            {"kernel", summary.kernel.empty() ? Json() : Json(summary.kernel)},
            {"findings", findings_json(findings)},
            {"summary",
             {{"errors", count_of(findings, Severity::error)},
              {"warnings", count_of(findings, Severity::warning)},
              {"notes", count_of(findings, Severity::note)},
              {"simulation", std::move(simulation)},
              {"not_checked", not_checked_json(summary.not_checked)},
              {"unknown", unknown_json(summary.unknown)},
              {"headers_error", summary.headers_error ? Json(*summary.headers_error) : Json()}}}};
}

std::string check_text(const std::string& file, const Diagnostics& findings, const check::Summary& summary) {
    const std::size_t errors = count_of(findings, Severity::error);
    const std::size_t warnings = count_of(findings, Severity::warning);
    const std::string result =
        errors + warnings == 0 ? "sound" : count_of(errors, "error") + ", " + count_of(warnings, "warning");
    return fmt::format("{}: {} (checked: structure, {})\n{}{}", printable(file), result, simulation_text(summary),
                       not_checked_text(summary.not_checked),
                       unknown_text({summary.kernel, summary.unknown, summary.headers_error}));
}

}  // namespace klp::report
