// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/findings.hpp"

#include "report/text.hpp"

namespace klp::report {

namespace {

Json finding_json(const Finding& finding) {
    Json json = {{"id", finding.id}, {"severity", word_of(finding.severity)}};
    json.update(location_json(finding.where));
    json["file"] = finding.where.file;
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

Json location_json(const Location& where) {
    return {{"file", where.file.empty() ? Json() : Json(where.file)},
            {"section", where.section.empty() ? Json() : Json(where.section)},
            {"offset", where.offset ? Json(*where.offset) : Json()}};
}

}  // namespace klp::report
