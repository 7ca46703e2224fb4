// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/findings.hpp"

#include "report/text.hpp"

namespace klp::report {

namespace {

Json finding_json(const Finding& finding) {
    Json json = {{"id", finding.id}, {"severity", word_of(finding.severity)}, {"file", finding.where.file}};
    json["section"] = finding.where.section.empty() ? Json() : Json(finding.where.section);
    json["offset"] = finding.where.offset ? Json(*finding.where.offset) : Json();
    json["message"] = finding.message;
    json["notes"] = finding.notes;
    json["hints"] = finding.hints;
    if (!finding.details.empty()) json["details"] = Json::parse(finding.details);
    return json;
}

}  // namespace

Json findings_json(const Diagnostics& findings) {
    Json list = Json::array();
    for (const Finding& finding : findings.findings()) list.push_back(finding_json(finding));
    return list;
}

Json refused_json(const Diagnostics& findings) {
    return {{"findings", findings_json(findings)}};
}

}  // namespace klp::report
