// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/document.hpp"

#include "report/findings.hpp"

namespace klp::report {

namespace {

Json begun_document() {
    return {{"klp", KLPKIT_VERSION}, {"schema", schema_version}};
}

Json error_json(const std::optional<Error>& error) {
    if (!error) return nullptr;
    Json json = {{"message", error->message()}};
    json.update(location_json(error->where()));
    json["hints"] = error->hints();
    return json;
}

}  // namespace

Json document(const Json& result) {
    Json json = begun_document();
    json.update(result);
    return json;
}

Json document(const Ending& ending, const Diagnostics& findings, const Json& result) {
    Json json = begun_document();
    json["status"] = static_cast<int>(ending.status);
    json["error"] = error_json(ending.error);
    json["findings"] = findings_json(findings);
    json.update(result);
    return json;
}

}  // namespace klp::report
